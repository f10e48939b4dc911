import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { parseInstant, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import { isTotpSeed, stepOfCode } from "#identity/password/totp.ts";

interface Vectors {
  readonly seed: string;
  readonly codes: readonly { readonly seconds: number; readonly code: string }[];
}

const folder = new URL("../../../testdata/rfc6238/", import.meta.url);
const vectors = JSON.parse(readFileSync(new URL("sha1.json", folder), "utf8")) as Vectors;

function atSeconds(seconds: number): Instant {
  const at = parseInstant(seconds * 1_000);
  invariant(at !== null, "a whole number of ms is an instant");
  return at;
}

suite("a time-based code", () => {
  test("is known as in RFC 6238 appendix B", () => {
    assert.ok(vectors.codes.length >= 6);
    for (const { seconds, code } of vectors.codes) {
      const step = stepOfCode(vectors.seed, code, atSeconds(seconds));
      assert.equal(step, Math.floor(seconds / 30));
    }
  });

  test("is known one step early and one late, as the step it belongs to", () => {
    const { seconds, code } = vectors.codes[2] ?? { seconds: 0, code: "" };
    const step = Math.floor(seconds / 30);
    for (const offset of [-30, 0, 30])
      assert.equal(stepOfCode(vectors.seed, code, atSeconds(seconds + offset)), step);
    for (const offset of [-90, -60, 60, 90])
      assert.equal(stepOfCode(vectors.seed, code, atSeconds(seconds + offset)), null);
  });

  test("is six digits and nothing else", () => {
    for (const code of ["", "12345", "1234567", "abcdef", "12345６", "12 345", "-12345", "1e5000"])
      assert.equal(stepOfCode(vectors.seed, code, atSeconds(59)), null, code);
  });

  test("comes from a seed of at least 128 bits in base32", () => {
    assert.ok(isTotpSeed("JBSWY3DPEHPK3PXPJBSWY3DPEH"));
    assert.ok(isTotpSeed(vectors.seed));
    for (const seed of ["", "JBSWY3DPEHPK3PXP", "jbswy3dpehpk3pxpjbswy3dpeh", "1".repeat(32)])
      assert.equal(isTotpSeed(seed), false, seed);
  });
});
