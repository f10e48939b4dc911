import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { encodeFields, fieldBytesMax, writeField } from "#core/fields.ts";

const texts = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 });

test("two lists of texts share a byte form only when they are the same list", () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      const same = a.length === b.length && a.every((text, i) => text === b[i]);
      assert.equal(encodeFields(a).equals(encodeFields(b)), same);
    }),
  );
});

test("moving a character over the border of two fields changes the form", () => {
  assert.notDeepEqual(encodeFields(["ab", "c"]), encodeFields(["a", "bc"]));
});

test("a field stands behind its length in bytes, not in characters", () => {
  assert.equal(encodeFields(["é"]).toString("hex"), "00000002c3a9");
});

test("a field never takes more room than was foretold from its length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const out = Buffer.alloc(fieldBytesMax(text.length));
      assert.ok(writeField(out, 0, text) <= out.length);
    }),
  );
});
