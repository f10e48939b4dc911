import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseResourceId } from "#core/ids.ts";
import {
  activeOf,
  withActive,
  withLink,
  withoutLink,
  type Link,
} from "#records/matching/patient-text.ts";

const other = parseResourceId("other") ?? assert.fail();
const link: Link = { other, kind: "replaced-by" };
const foreign = '{ "other": {"reference":"Patient/third"}, "type":"seealso", "x": 1.50 }';

const space = fc.constantFrom("", " ", "\n  ");
const member = fc.constantFrom(
  '"id":"ana"',
  '"active" : true',
  '"active":false',
  '"multipleBirthInteger":2',
  '"extension":[{"url":"u","valueDecimal":0.50}]',
  `"link":[${foreign}]`,
  `"link" : [ ${foreign} ,${foreign} ]`,
);
const nameOf = (text: string): string => text.slice(0, text.indexOf('"', 1));
const texts = fc
  .tuple(fc.uniqueArray(member, { selector: nameOf }), space)
  .map(
    ([members, gap]) =>
      `{${gap}"resourceType":"Patient"${members.map((each) => `${gap},${gap}${each}`).join("")}${gap}}`,
  );

suite("editing a Patient's text", () => {
  test("a link put in and taken out leaves every character as it was", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const linked = withLink(text, link);
        const value = JSON.parse(linked) as { link: readonly { other: { reference: string } }[] };
        assert.equal(value.link.at(-1)?.other.reference, "Patient/other");
        assert.equal(withoutLink(linked, link), text);
      }),
    );
  });

  test("active set aside and put back leaves every character as it was", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const before = activeOf(text);
        const closed = withActive(text, "false");
        assert.equal(activeOf(closed), "false");
        assert.equal(withActive(closed, before), text);
      }),
    );
  });

  test("a link that was written anew meanwhile is found, and the others stay", () => {
    const text = `{"resourceType":"Patient","link":[{"type": "replaced-by", "other":{"reference":"Patient/other"}},${foreign}]}`;
    const value = JSON.parse(withoutLink(text, link)) as { link: readonly { type: string }[] };
    assert.deepEqual(
      value.link.map(({ type }) => type),
      ["seealso"],
    );
  });

  test("a link that is the only one goes with its key", () => {
    const text =
      '{"resourceType":"Patient","link":[{"type":"replaced-by","other":{"reference":"Patient/other"}}]}';
    assert.equal(withoutLink(text, link), '{"resourceType":"Patient"}');
    assert.equal(withoutLink('{"resourceType":"Patient"}', link), '{"resourceType":"Patient"}');
  });
});
