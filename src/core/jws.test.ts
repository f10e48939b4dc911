import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { derSignature } from "#core/jws.ts";

/** Reads two INTEGERs of a SEQUENCE by the plain rules of DER (X.690 §8.3), leading zeros put back. */
function rawOf(der: Buffer): Buffer {
  assert.equal(der[0], 0x30);
  assert.equal(der[1], der.length - 2);
  let at = 2;
  const integer = (): Buffer => {
    assert.equal(der[at], 2);
    const length = der[at + 1] ?? 0;
    const value = der.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    assert.ok((value[0] ?? 0) < 0x80, "an INTEGER is not negative");
    if (value.length > 1 && value[0] === 0) assert.ok((value[1] ?? 0) >= 0x80, "no needless zero");
    return Buffer.concat([Buffer.alloc(33 - value.length), value]).subarray(1);
  };
  return Buffer.concat([integer(), integer()]);
}

suite("ES256 signatures", () => {
  test("for all r and s: their DER form reads back as they were", () => {
    const half = fc
      .tuple(fc.nat(32), fc.uint8Array({ minLength: 32, maxLength: 32 }))
      .map(([zeros, bytes]) => bytes.map((byte, at) => (at < zeros ? 0 : byte)));
    fc.assert(
      fc.property(half, half, (r, s) => {
        const raw = Buffer.concat([r, s]);
        const der = derSignature(raw);
        assert.ok(der !== null);
        assert.deepEqual(rawOf(der), raw);
      }),
      { numRuns: 2_000 },
    );
  });

  test("what node:crypto signs in the raw form verifies in ours", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (let n = 0; n < 300; n += 1) {
      const text = Buffer.from(`message ${n}`);
      const raw = sign("sha256", text, { key: privateKey, dsaEncoding: "ieee-p1363" });
      const der = derSignature(raw);
      assert.ok(der !== null && verify("sha256", text, publicKey, der));
    }
  });

  test("a signature that is not 64 bytes long is none", () => {
    for (const length of [0, 63, 65, 72]) assert.equal(derSignature(Buffer.alloc(length, 1)), null);
  });
});
