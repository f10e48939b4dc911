import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { systemRandom } from "#core/random.ts";
import { createSealer } from "#vault/sealer.ts";
import { systemRun } from "#vault/run-watch.ts";

const secret = randomBytes(32);
const sealerOf = (key: Buffer): ReturnType<typeof createSealer> =>
  createSealer({ key: Buffer.from(key), random: systemRandom, ...systemRun });
const sealer = sealerOf(secret);

test("for all bytes and purposes, what was sealed opens under the same purpose", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (array, purpose) => {
      const plain = Buffer.from(array);
      assert.deepEqual(sealer.open(purpose, sealer.seal(purpose, plain)), plain);
    }),
  );
});

test("a secret sealed for one account opens for no other", () => {
  const sealed = sealer.seal("totp-seed a", Buffer.from("seed"));
  assert.equal(sealer.open("totp-seed b", sealed), null);
});

test("what one start sealed, the next opens with the same key, and with no other", () => {
  const sealed = sealer.seal("p", Buffer.from("seed"));
  assert.deepEqual(sealerOf(secret).open("p", sealed), Buffer.from("seed"));
  assert.equal(sealerOf(randomBytes(32)).open("p", sealed), null);
});

test("no single flipped bit opens", () => {
  const sealed = sealer.seal("p", Buffer.from("seed"));
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(sealer.open("p", flipped), null);
  }
});

test("the key is overwritten where it came from, and one of another length is no key", () => {
  const key = randomBytes(32);
  createSealer({ key, random: systemRandom, ...systemRun });
  assert.deepEqual(key, Buffer.alloc(32));
  assert.throws(
    () => createSealer({ key: randomBytes(16), random: systemRandom, ...systemRun }),
    /32 bytes/,
  );
});
