import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readPage } from "./bundle.ts";

const origin = "https://clinic.example";
const next = (url: unknown) => readPage({ link: [{ relation: "next", url }] }, origin).next;

test("the next page is a path of our own origin", () => {
  assert.equal(next(`${origin}/fhir/Condition?_cursor=x`), "/fhir/Condition?_cursor=x");
  assert.equal(next("/fhir/Condition?_cursor=x"), "/fhir/Condition?_cursor=x");
});

test("a next page elsewhere is not followed", () => {
  for (const url of [
    "https://evil.example/fhir",
    "//evil.example/x",
    "javascript:1",
    "",
    7,
    null,
  ]) {
    assert.equal(next(url), null);
  }
});

test("what was entered in error, and outcomes among the matches, are left out", () => {
  const entry = [
    { resource: { id: "1" } },
    { resource: { id: "2", status: "entered-in-error" } },
    { resource: { id: "3", verificationStatus: { coding: [{ code: "entered-in-error" }] } } },
    { resource: { id: "4" }, search: { mode: "outcome" } },
    { fullUrl: "urn:uuid:5" },
    null,
  ];
  assert.deepEqual(
    readPage({ entry }, origin).resources.map(({ id }) => id),
    ["1"],
  );
});

test("anything that is no bundle is an empty page", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readPage(value, origin)));
  assert.deepEqual(readPage(null, origin), { resources: [], next: null });
});
