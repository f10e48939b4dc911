import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { systemRandom } from "#core/random.ts";
import {
  envelopeCodeChars,
  invitationCodeChars,
  newCode,
  parseCode,
  printedCode,
} from "#identity/people/paper-code.ts";

test("a code is read back as it was printed, however it was typed", () => {
  for (const chars of [invitationCodeChars, envelopeCodeChars]) {
    const code = newCode(systemRandom, chars);
    for (const typed of [code, printedCode(code), printedCode(code).toLowerCase(), ` ${code} `])
      assert.equal(parseCode(typed), code);
  }
  assert.equal(parseCode("iLo00-ABCDE"), "11000ABCDE");
});

test("every letter of a code comes from the random bytes, and none is like another", () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 224));
  const code = newCode({ ...systemRandom, bytes: () => bytes }, 32);
  assert.equal(new Set(code).size, 32);
  assert.doesNotMatch(code, /[ILOU]/);
});

test("nothing else is a code", () => {
  for (const wrong of [null, 7, "", "ABCDE-ABCD", "ABCDE-ABCDEF", "UUUUU-UUUUU", "ABCDE-ABCD!"])
    assert.equal(parseCode(wrong), null, String(wrong));
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), (text) => {
      const code = parseCode(text);
      assert.ok(code === null || /^[0-9A-HJKMNP-TV-Z]+$/.test(code));
    }),
  );
});
