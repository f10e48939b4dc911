import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import * as fc from "fast-check";
import {
  parsePseudonym,
  parseResourceId,
  parseResourceType,
  parseTenantId,
  type Pseudonym,
  type TenantId,
} from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { BrokenInvariant } from "#core/result.ts";
import { materialOf, takeDataKey, type DataKey } from "#vault/data-key.ts";
import { createRecordCipher, sealsPerKeyMax, type RecordPlace } from "#vault/record-cipher.ts";
import { systemRun } from "#vault/run-watch.ts";

function parsed<T>(parse: (text: string) => T | null, text: string): T {
  const value = parse(text);
  assert.ok(value !== null);
  return value;
}

const tenant: TenantId = parsed(parseTenantId, randomUUID());
const patient = (): Pseudonym => parsed(parsePseudonym, randomUUID());
const ana = patient();

function keyOf(
  facts: Partial<Parameters<typeof takeDataKey>[1]> = {},
  bytes = randomBytes(32),
): DataKey {
  return takeDataKey(bytes, {
    tenant,
    compartment: ana,
    dekVersion: 1,
    kekEpoch: 1,
    seals: 0,
    ...facts,
  });
}

const place: RecordPlace = {
  tenant,
  compartment: ana,
  type: parsed(parseResourceType, "Observation"),
  id: parsed(parseResourceId, "obs-1"),
  version: 1,
  dekVersion: 1,
};

const key = keyOf();
const cipher = createRecordCipher(tenant, { random: systemRandom, ...systemRun });
const bytes = fc.uint8Array({ maxLength: 4_096 }).map((array) => Buffer.from(array));

test("for all bytes, what was sealed opens to them, 29 bytes longer in between", () => {
  fc.assert(
    fc.property(bytes, (plain) => {
      const sealed = cipher.seal(key, place, plain);
      assert.equal(sealed.length, plain.length + 29);
      assert.deepEqual(cipher.open(key, place, sealed), plain);
    }),
  );
});

test("no single flipped bit opens", () => {
  const sealed = cipher.seal(key, place, randomBytes(40));
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(cipher.open(key, place, flipped), null);
  }
});

test("nothing cut short or made longer opens", () => {
  const sealed = cipher.seal(key, place, randomBytes(40));
  for (let length = 0; length < sealed.length; length += 1)
    assert.equal(cipher.open(key, place, sealed.subarray(0, length)), null);
  assert.equal(cipher.open(key, place, Buffer.concat([sealed, Buffer.alloc(1)])), null);
});

test("the same record sealed twice looks different each time", () => {
  const plain = Buffer.from("{}");
  assert.notDeepEqual(cipher.seal(key, place, plain), cipher.seal(key, place, plain));
});

const bob = patient();
const shared = randomBytes(32);
const moves: Record<string, { key?: DataKey; place: Partial<RecordPlace> }> = {
  "another patient's row": { key: keyOf({ compartment: bob }), place: { compartment: bob } },
  "another patient's row, were the key the same": {
    key: keyOf({ compartment: bob }, Buffer.from(shared)),
    place: { compartment: bob },
  },
  "another resource of the patient": { place: { id: parsed(parseResourceId, "obs-2") } },
  "another type of resource": { place: { type: parsed(parseResourceType, "Condition") } },
  "a later version of the row": { place: { version: 2 } },
  "a row that names another key version": {
    key: keyOf({ dekVersion: 2 }, Buffer.from(shared)),
    place: { dekVersion: 2 },
  },
};

for (const [where, moved] of Object.entries(moves)) {
  test(`a ciphertext moved to ${where} does not open`, () => {
    const from = keyOf({}, Buffer.from(shared));
    const sealed = cipher.seal(from, place, Buffer.from("{}"));
    assert.deepEqual(cipher.open(from, place, sealed), Buffer.from("{}"));
    assert.equal(cipher.open(moved.key ?? from, { ...place, ...moved.place }, sealed), null);
  });
}

test("a ciphertext of another tenant does not open, were the key the same", () => {
  const other = parsed(parseTenantId, randomUUID());
  const theirs = createRecordCipher(other, { random: systemRandom, ...systemRun });
  const sealed = cipher.seal(keyOf({}, Buffer.from(shared)), place, Buffer.from("{}"));
  const theirKey = keyOf({ tenant: other }, Buffer.from(shared));
  assert.equal(theirs.open(theirKey, { ...place, tenant: other }, sealed), null);
});

test("type and id that run together are not the same place", () => {
  const [type, id] = [parsed(parseResourceType, "Ab"), parsed(parseResourceId, "cd")];
  const sealed = cipher.seal(key, { ...place, type, id }, Buffer.from("{}"));
  const shifted = { type: parsed(parseResourceType, "Abc"), id: parsed(parseResourceId, "d") };
  assert.equal(cipher.open(key, { ...place, ...shifted }, sealed), null);
});

test("sealing for a place that the key is not for is a fault of the program", () => {
  const seal = (elsewhere: Partial<RecordPlace>) => () =>
    cipher.seal(key, { ...place, ...elsewhere }, Buffer.alloc(0));
  assert.throws(seal({ compartment: bob }), BrokenInvariant);
  assert.throws(seal({ dekVersion: 2 }), BrokenInvariant);
  assert.throws(seal({ tenant: parsed(parseTenantId, randomUUID()) }), BrokenInvariant);
});

test("the longest type, id and version that there are still fit", () => {
  const longest = {
    ...place,
    type: parsed(parseResourceType, `A${"b".repeat(63)}`),
    id: parsed(parseResourceId, "x".repeat(64)),
    version: Number.MAX_SAFE_INTEGER,
  };
  const sealed = cipher.seal(key, longest, Buffer.from("{}"));
  assert.deepEqual(cipher.open(key, longest, sealed), Buffer.from("{}"));
});

test("a key seals no more than its cap, and still opens then", () => {
  const worn = keyOf({ seals: sealsPerKeyMax - 1 });
  const last = cipher.seal(worn, place, Buffer.from("{}"));
  assert.throws(() => cipher.seal(worn, place, Buffer.from("{}")), /worn out/);
  assert.deepEqual(cipher.open(worn, place, last), Buffer.from("{}"));
  assert.equal(materialOf(worn).seals, sealsPerKeyMax);
});

test("a hundred thousand seals use a hundred thousand nonces", () => {
  const nonces = new Set<string>();
  for (let n = 0; n < 100_000; n += 1)
    nonces.add(cipher.seal(key, place, Buffer.alloc(0)).toString("latin1", 1, 13));
  assert.equal(nonces.size, 100_000);
});

test("a key in memory shows its bytes to nobody, and the buffer it came in is overwritten", () => {
  const raw = randomBytes(32);
  const hex = raw.toString("hex");
  const taken = keyOf({}, raw);
  assert.deepEqual(raw, Buffer.alloc(32));
  const shown = inspect(taken, { depth: 9, showHidden: true }) + JSON.stringify(taken);
  assert.ok(!shown.includes(hex));
});

test("a token is the same for the same label and key, and fits a signed bigint", () => {
  fc.assert(
    fc.property(fc.string(), (label) => {
      const token = cipher.token(key, label);
      assert.equal(cipher.token(key, label), token);
      assert.ok(token >= 0n && token < 1n << 63n);
    }),
  );
});

test("tokens of one label differ between patients and between key versions", () => {
  const tokens = [key, keyOf({ compartment: bob }), keyOf({ dekVersion: 2 })].map((one) =>
    cipher.token(one, "status=final"),
  );
  assert.equal(new Set(tokens).size, 3);
});

test("a content MAC tells equal content from changed, and nothing to another patient's", () => {
  const content = Buffer.from('{"a":1}');
  const mac = cipher.contentMac(key, content);
  assert.equal(mac.length, 16);
  assert.deepEqual(cipher.contentMac(key, Buffer.from(content)), mac);
  assert.notDeepEqual(cipher.contentMac(key, Buffer.from('{"a":2}')), mac);
  assert.notDeepEqual(cipher.contentMac(keyOf({ compartment: bob }), content), mac);
});
