import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as holds, property, uint8Array } from "fast-check";
import { pack, unpack } from "#keys/kms/pkcs11/packed.ts";

test("what is packed is unpacked as it was, and is wiped with the memory that holds it", () => {
  holds(
    property(array(uint8Array()), (parts) => {
      const packed = pack(parts);
      const views = unpack(packed);
      assert.deepEqual(
        views.map((view) => [...view]),
        parts.map((part) => [...part]),
      );
      packed.bytes.fill(0);
      assert.ok(views.every((view) => view.every((byte) => byte === 0)));
    }),
  );
});
