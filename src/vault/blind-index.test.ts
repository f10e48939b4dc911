import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parsePseudonym, parseTenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import {
  blindIndexes,
  blindToken,
  numberOf,
  tokenBitsMax,
  type BlindIndexName,
  type BlindVersion,
} from "#vault/blind-index.ts";
import { takeDataKey, type Compartment, type DataKey } from "#vault/data-key.ts";

const dek = Buffer.alloc(32, 7);

function keyOf(compartment: Compartment, dekVersion: number, bytes: Buffer): DataKey {
  const tenant = parseTenantId(systemRandom.uuid());
  assert.ok(tenant !== null);
  const facts = { tenant, compartment, dekVersion, kekEpoch: 1, seals: 0 };
  return takeDataKey(Buffer.from(bytes), facts);
}

const key = keyOf("organisation", 2, dek);
const generation = (version: number, bits: number = tokenBitsMax): BlindVersion => ({
  version,
  dekVersion: 2,
  bits: blindIndexes.map(() => bits),
});
const anyIndex = fc.constantFrom<BlindIndexName>(...blindIndexes);

suite("a blind token", () => {
  test("is the HMAC under a key drawn for its index and version", () => {
    const purpose = "phylax blind index v1 family 3";
    const drawn = Buffer.from(hkdfSync("sha256", dek, "", purpose, 32));
    const mac = createHmac("sha256", drawn).update("gar").digest();
    const token = blindToken(key, generation(3), { index: "family", text: "gar" });
    assert.equal(token, mac.readBigUInt64BE(0) >> 1n);
  });

  test("fits the column and keeps the bits that the version says, which are the first of the whole", () => {
    fc.assert(
      fc.property(
        anyIndex,
        fc.string(),
        fc.integer({ min: 1, max: tokenBitsMax }),
        (index, text, bits) => {
          const whole = blindToken(key, generation(1), { index, text });
          const cut = blindToken(key, generation(1, bits), { index, text });
          assert.ok(whole >= 0n && whole < 1n << 63n);
          assert.equal(cut, whole >> BigInt(tokenBitsMax - bits));
        },
      ),
    );
  });

  test("differs between indexes, versions and keys for the same text", () => {
    const other = keyOf("organisation", 2, Buffer.alloc(32, 8));
    const tokens = [
      ...blindIndexes.map((index) => blindToken(key, generation(1), { index, text: "x" })),
      ...[2, 3, 12, 13].map((version) =>
        blindToken(key, generation(version), { index: "family", text: "x" }),
      ),
      blindToken(other, generation(1), { index: "family", text: "x" }),
    ];
    assert.equal(new Set(tokens).size, tokens.length);
  });

  test("is made with the organisation's key of the version alone", () => {
    const label = { index: "family", text: "gar" } as const;
    const patient = parsePseudonym(systemRandom.uuid());
    assert.ok(patient !== null);
    assert.throws(() => blindToken(keyOf(patient, 2, dek), generation(1), label));
    assert.throws(() => blindToken(keyOf("organisation", 1, dek), generation(1), label));
    assert.throws(() => blindToken(key, { ...generation(1), bits: [] }, label));
  });

  test("numbers its indexes as the database has them", () => {
    assert.deepEqual(
      blindIndexes.map((index) => [numberOf(index), index]),
      [
        [1, "identifier"],
        [2, "identifier-value"],
        [3, "family"],
        [4, "given"],
        [5, "name-text"],
        [6, "phonetic"],
        [7, "birth-date"],
        [8, "phone"],
        [9, "address"],
      ],
    );
  });
});
