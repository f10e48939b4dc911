import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { systemRandom } from "#core/random.ts";
import { makeRecoveryCode, readRecoveryCode } from "#identity/recovery/code.ts";

const randomOf = (bytes: Uint8Array) => ({
  bytes: () => Buffer.from(bytes),
  uuid: () => systemRandom.uuid(),
});
const tenBytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

suite("a recovery code", () => {
  test("of other bytes is another code", () => {
    fc.assert(
      fc.property(tenBytes, tenBytes, (one, other) => {
        const same = Buffer.from(one).equals(Buffer.from(other));
        const codes = [one, other].map((bytes) => makeRecoveryCode(randomOf(bytes)));
        assert.equal(codes[0] === codes[1], same);
      }),
    );
  });

  test("is read in any case, with or without its hyphens, and with letters mistaken", () => {
    fc.assert(
      fc.property(tenBytes, (bytes) => {
        const code = makeRecoveryCode(randomOf(bytes));
        const plain = code.replaceAll("-", "");
        for (const typed of [
          code,
          code.toLowerCase(),
          plain,
          ` ${code.replaceAll("-", " ")} `,
          plain.replaceAll("0", "o").replaceAll("1", "l"),
          plain.replaceAll("0", "O").replaceAll("1", "I"),
        ])
          assert.equal(readRecoveryCode(typed), plain);
      }),
    );
  });

  test("is no other text", () => {
    for (const typed of [
      "",
      "123456",
      "U".repeat(16),
      "A".repeat(15),
      "A".repeat(17),
      "Ä".repeat(16),
    ])
      assert.equal(readRecoveryCode(typed), null);
    fc.assert(fc.property(fc.string(), (text) => readRecoveryCode(text)?.length !== 0));
  });
});
