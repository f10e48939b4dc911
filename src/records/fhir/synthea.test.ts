import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseInstant } from "#core/clock.ts";
import { parseResourceId } from "#core/ids.ts";
import { categoriesOf } from "#records/fhir/categories.ts";
import { compartmentOf } from "#records/fhir/compartment.ts";
import { parseResource, withMeta } from "#records/fhir/parse.ts";
import { searchLabels } from "#records/fhir/search.ts";
import { cpuMs, sharedData, syntheticTexts } from "#records/fhir/testing.ts";

const { folder, skip } = sharedData(process.env);
const id = parseResourceId("fresh-id") ?? assert.fail();
const lastUpdated = parseInstant(1_715_000_000_000) ?? assert.fail();

/** The text as the sent one must be when `id` and `meta` are put back to what they were. */
function withoutStamp(stamped: string): string {
  return stamped
    .replace(/"id":"fresh-id"/, '"id":""')
    .replace(/"meta":\{"versionId":"1","lastUpdated":"[^"]*"\},?/, "");
}

suite("synthetic patients", { skip }, () => {
  test("parse, are valid, have an owner, and are stamped without another character changed", () => {
    let resources = 0;
    let patients = 0;
    for (const text of syntheticTexts(folder)) {
      const parsed = parseResource(text, {});
      assert.ok(parsed.ok, JSON.stringify(parsed.ok ? "" : parsed.problem));
      const owner = compartmentOf(parsed.value.value);
      assert.ok(owner.ok, JSON.stringify(owner.ok ? "" : owner.problem));
      if (parsed.value.type === "Patient") patients += 1;
      if (!text.includes('"meta"')) {
        const stamped = withMeta(parsed.value, { id, versionId: 1, lastUpdated });
        assert.equal(withoutStamp(stamped), text.replace(/"id":"[^"]*"/, '"id":""'));
      }
      resources += 1;
    }
    assert.ok(patients >= 93 && resources > 29_000, `${patients} patients, ${resources} resources`);
  });

  test("cost well under 0.3 ms a resource, from text to labels", (t) => {
    const texts = [...syntheticTexts(folder)].filter((_, i) => i % 3 === 0);
    const work = (): void => {
      for (const text of texts) {
        const parsed = parseResource(text, {});
        assert.ok(parsed.ok);
        const { value } = parsed.value;
        compartmentOf(value);
        searchLabels(value);
        categoriesOf(value);
        withMeta(parsed.value, { id, versionId: 1, lastUpdated });
      }
    };
    work();
    const us = (Math.min(cpuMs(work), cpuMs(work)) * 1_000) / texts.length;
    t.diagnostic(
      `${us.toFixed(0)} µs a resource: parse, validate, owner, labels, categories, stamp`,
    );
    assert.ok(us < 300, `${us.toFixed(0)} µs`);
  });
});
