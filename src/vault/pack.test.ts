import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { parsePseudonym, parseResourceId, parseResourceType, parseTenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { materialOf, takeDataKey } from "#vault/data-key.ts";
import { joinRecords, packLimits, splitRecords } from "#vault/pack.ts";
import { createRecordCipher } from "#vault/record-cipher.ts";
import { systemRun } from "#vault/run-watch.ts";

function known<T>(value: T | null): T {
  assert.ok(value !== null);
  return value;
}

const tenant = known(parseTenantId(randomUUID()));
const place = {
  tenant,
  compartment: known(parsePseudonym(randomUUID())),
  type: known(parseResourceType("Observation")),
  id: known(parseResourceId("page-1")),
  version: 1,
  dekVersion: 1,
};
const keyOf = () => takeDataKey(randomBytes(32), { ...place, kekEpoch: 1, seals: 0 });
const cipher = createRecordCipher(tenant, { random: systemRandom, ...systemRun });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const some = fc.array(bytes, { maxLength: 40 });

test("for all records, a pack opens to them, in order, as views of one buffer", () => {
  const key = keyOf();
  fc.assert(
    fc.property(some, (records) => {
      const opened = known(cipher.openPack(key, place, cipher.pack(key, place, records)));
      assert.deepEqual(opened, records);
      assert.ok(new Set(opened.map(({ buffer }) => buffer)).size <= 1);
    }),
  );
});

test("a pack is one seal, however many records it holds", () => {
  const key = keyOf();
  cipher.pack(key, place, Array(500).fill(Buffer.from("x")) as Buffer[]);
  assert.equal(materialOf(key).seals, 1);
});

test("a pack does not open as a record, nor a record as a pack", () => {
  const key = keyOf();
  const joined = known(joinRecords([Buffer.from("a"), Buffer.from("b")]));
  assert.equal(cipher.openPack(key, place, cipher.seal(key, place, joined)), null);
  assert.equal(cipher.open(key, place, cipher.pack(key, place, [Buffer.from("a")])), null);
});

test("a pack opens in no other place, and no single flipped bit opens", () => {
  const key = keyOf();
  const sealed = cipher.pack(key, place, [Buffer.from("a"), Buffer.from("b")]);
  assert.equal(cipher.openPack(key, { ...place, version: 2 }, sealed), null);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const turned = Buffer.from(sealed);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(cipher.openPack(key, place, turned), null, `bit ${bit}`);
  }
});

test("any bytes split into what joins to the same bytes again, or not at all", () => {
  const any = fc.oneof(
    bytes,
    fc.tuple(some, fc.nat(), fc.nat(255)).map(([records, at, value]) => {
      const joined = known(joinRecords(records));
      joined[at % joined.length] = value;
      return joined;
    }),
  );
  fc.assert(
    fc.property(any, (joined) => {
      const records = splitRecords(joined);
      if (records !== null) assert.deepEqual(joinRecords(records), joined);
    }),
  );
});

test("nothing cut short or made longer splits", () => {
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 10 }), fc.nat(), (records, cut) => {
      const joined = known(joinRecords(records));
      assert.equal(splitRecords(joined.subarray(0, cut % joined.length)), null);
      assert.equal(splitRecords(Buffer.concat([joined, Buffer.alloc(1)])), null);
    }),
  );
});

test("more records than a pack may hold are no pack, and to pack them is a fault", () => {
  const many = Array.from({ length: packLimits.records + 1 }, () => Buffer.alloc(0));
  assert.equal(joinRecords(many), null);
  assert.notEqual(joinRecords(many.slice(1)), null);
  const claim = Buffer.alloc(4 * (packLimits.records + 2));
  claim.writeUInt32BE(packLimits.records + 1, 0);
  assert.equal(splitRecords(claim), null);
  assert.throws(() => cipher.pack(keyOf(), place, many), /packLimits/);
});
