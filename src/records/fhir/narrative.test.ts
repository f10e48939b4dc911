import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { narrativeFault } from "#records/fhir/narrative.ts";
import { cpuMs, vectors } from "#records/fhir/testing.ts";

suite("a narrative", () => {
  for (const { name, allowed, xhtml = "" } of vectors("narratives"))
    test(`${allowed === true ? "may hold" : "is refused for"} ${name}`, () => {
      const fault = narrativeFault(xhtml);
      assert.equal(fault === null, allowed, fault ?? "accepted");
    });

  test("is judged in time that grows with its length alone", () => {
    const hostile = [
      "<!--".repeat(250_000),
      `<div ${" ".repeat(500_000)}`,
      `<div${' a="x"'.repeat(150_000)}`,
      `<div ${"a".repeat(900_000)}`,
      `<div>${"<b>".repeat(300_000)}`,
      `<div a="${"x".repeat(900_000)}`,
    ];
    for (const xhtml of hostile) {
      const ms = cpuMs(() => {
        assert.notEqual(narrativeFault(xhtml), null);
      });
      assert.ok(ms < 500, `${xhtml.slice(0, 10)}… took ${ms.toFixed(0)} ms`);
    }
  });
});
