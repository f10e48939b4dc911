import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseInstant } from "#core/clock.ts";
import {
  isSealed,
  parseRingFile,
  printRingFile,
  sealOf,
  type RingContents,
} from "#keys/ring-file.ts";

const instant = fc.integer({ min: 0, max: 4e12 }).map((ms) => {
  const at = parseInstant(ms);
  assert.ok(at !== null);
  return at;
});

const plain = { noNullPrototype: true };

const contents: fc.Arbitrary<RingContents> = fc.record(
  {
    ring: fc.uuid(),
    kms: fc.constantFrom("file", "pkcs11"),
    epochs: fc
      .uniqueArray(
        fc.record(
          {
            epoch: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
            createdAt: instant,
            wrapped: fc
              .uint8Array({ minLength: 48, maxLength: 200 })
              .map((array) => Buffer.from(array)),
          },
          plain,
        ),
        { minLength: 1, maxLength: 5, selector: ({ epoch }) => epoch },
      )
      .map((epochs) => epochs.sort((a, b) => a.epoch - b.epoch)),
  },
  plain,
);

const kek = createSecretKey(randomBytes(32));

test("a ring comes out of its file as it went in, and its seal holds", () => {
  fc.assert(
    fc.property(contents, (ring) => {
      const file = { contents: ring, seal: sealOf(ring, kek) };
      const read = parseRingFile(printRingFile(file));
      assert.deepEqual(read, file);
      assert.ok(read !== null && isSealed(read, kek));
      assert.equal(isSealed(read, createSecretKey(randomBytes(32))), false);
    }),
  );
});

test("two rings have the same seal only when they are the same ring", () => {
  fc.assert(
    fc.property(contents, contents, (a, b) => {
      const same = printRingFile({ contents: a, seal: Buffer.alloc(32) });
      const other = printRingFile({ contents: b, seal: Buffer.alloc(32) });
      assert.equal(sealOf(a, kek).equals(sealOf(b, kek)), same === other);
    }),
  );
});

test("no other text is a ring file, and none makes the parser throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.equal(parseRingFile(text), null);
    }),
  );
});
