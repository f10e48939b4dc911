import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecoveryLink } from "./recovery-link.ts";

function memory(): Storage {
  const kept = new Map<string, string>();
  return {
    length: 0,
    clear: () => kept.clear(),
    key: () => null,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

test("a link that was only opened is not kept; one that a person keeps is there again", () => {
  const storage = memory();
  const link = createRecoveryLink(storage, "t");
  assert.equal(link.token, "t");
  assert.equal(createRecoveryLink(storage, null).token, null);
  link.keep("t");
  assert.equal(link.isKept("t"), true);
  assert.equal(createRecoveryLink(storage, null).token, "t");
  link.forget();
  assert.equal(createRecoveryLink(storage, null).token, null);
});

test("the link that was opened counts before the one that was kept", () => {
  const storage = memory();
  createRecoveryLink(storage, null).keep("old");
  assert.equal(createRecoveryLink(storage, "new").token, "new");
});
