import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { checkpointText, parseCheckpoint, parseCheckpointText } from "#audit/checkpoint.ts";
import { emptyRoot, leafHash } from "#audit/merkle.ts";
import { testKey } from "#audit/testing.ts";

test("for all logs, sizes and roots, a checkpoint reads as it was written", () => {
  const origins = fc.stringMatching(/^[a-z0-9./-]{1,40}$/);
  const roots = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(origins, fc.maxSafeNat(), roots, (origin, size, bytes) => {
      const checkpoint = { origin, size, root: Buffer.from(bytes) };
      assert.deepEqual(parseCheckpointText(checkpointText(checkpoint)), checkpoint);
    }),
  );
});

test("a checkpoint is three lines: origin, size, root in base64", () => {
  const text = checkpointText({ origin: "example.org/log", size: 0, root: emptyRoot });
  assert.equal(text, "example.org/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
});

test("extension lines are passed over", () => {
  const text = checkpointText({ origin: "example.org/log", size: 7, root: leafHash("a") });
  assert.equal(parseCheckpointText(`${text}extension\n`)?.size, 7);
});

test("sizes and roots in another spelling are refused", () => {
  const root = emptyRoot.toString("base64");
  const broken = [
    `\n0\n${root}\n`,
    `log\n01\n${root}\n`,
    `log\n-1\n${root}\n`,
    `log\n1e3\n${root}\n`,
    `log\n9007199254740993\n${root}\n`,
    `log\n1\n${root.slice(4)}\n`,
    `log\n1\n${root.replace("=", "")}\n`,
    `log\n1\n${root}`,
  ];
  for (const text of broken) assert.equal(parseCheckpointText(text), null, JSON.stringify(text));
});

test("a signed checkpoint gives its claim and its signatures", () => {
  const { signer } = testKey("example.org/log");
  const root = leafHash("a");
  const read = parseCheckpoint(signer.sign(checkpointText({ origin: signer.name, size: 1, root })));
  assert.equal(read?.size, 1);
  assert.deepEqual(read.root, root);
  assert.equal(read.note.signatures[0]?.name, "example.org/log");
});
