import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { base64urlOf, bytesOf } from "#keys/shape.ts";

test("for all bytes, their base64url is taken as it is, for exactly their number", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), (bytes) => {
      const text = Buffer.from(bytes).toString("base64url");
      assert.equal(base64urlOf(text, bytes.length), text);
      assert.equal(base64urlOf(text, bytes.length + 1), null);
    }),
  );
});

test("for all texts, what is taken as text is what decodes and encodes to itself", () => {
  const character = fc.constantFrom(...Array.from("ABEIQYcgkosw0489z-_+/= é"));
  const near = fc.array(character, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(near, fc.integer({ min: 1, max: 9 }), (text, count) => {
      assert.equal(base64urlOf(text, count) === null, bytesOf(text, count) === null);
    }),
    { numRuns: 5_000 },
  );
});
