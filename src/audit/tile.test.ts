import assert from "node:assert/strict";
import { test } from "node:test";
import { leafHash } from "#audit/merkle.ts";
import { nodesAtLevel, parseTile, tileBytes, tilePath } from "#audit/tile.ts";

test("a tile's address is that of C2SP tlog-tiles", () => {
  assert.equal(tilePath(0, 0), "tile/0/000");
  assert.equal(tilePath(0, 1_234_067), "tile/0/x001/x234/067");
  assert.equal(tilePath(1, 273, 112), "tile/1/273.p/112");
  assert.equal(tilePath("entries", 1_000), "tile/entries/x001/000");
});

test("a tile's bytes give back its hashes", () => {
  const hashes = ["a", "b", "c"].map((text) => leafHash(text));
  assert.deepEqual(parseTile(tileBytes(hashes)), hashes);
});

test("bytes that are no whole number of hashes are no tile", () => {
  assert.equal(parseTile(Buffer.alloc(33)), null);
});

test("each level has a 256th of the nodes of the one below", () => {
  assert.deepEqual(
    [0, 1, 2].map((level) => nodesAtLevel(65_537, level)),
    [65_537, 256, 1],
  );
});
