import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import { testFolder } from "#keys/testing.ts";

test("what was written is read, by its owner only, and nothing else is left", async (t) => {
  const folder = await testFolder(t);
  const path = join(folder, "secret");
  await writePrivateFile(path, "one");
  await writePrivateFile(path, "two");
  assert.deepEqual(await readPrivateFile(path, 10), { found: "text", text: "two" });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["secret"]);
});

test("a write that cannot be finished leaves the old file as it was", async (t) => {
  const path = join(await testFolder(t), "secret");
  await writePrivateFile(path, "one");
  await mkdir(`${path}.new`);
  await assert.rejects(writePrivateFile(path, "two"), { code: "EISDIR" });
  assert.equal(await readFile(path, "utf8"), "one");
});

test("the remains of a write cut short, open to others, do not weaken the next one", async (t) => {
  const path = join(await testFolder(t), "secret");
  await writeFile(`${path}.new`, "half", { mode: 0o644 });
  await writePrivateFile(path, "whole");
  assert.deepEqual(await readPrivateFile(path, 10), { found: "text", text: "whole" });
});

test("a missing file, a folder and a file that is too long are told apart", async (t) => {
  const folder = await testFolder(t);
  const path = join(folder, "secret");
  assert.deepEqual(await readPrivateFile(path, 10), { found: "nothing" });
  await writePrivateFile(path, "eleven bytes");
  assert.equal((await readPrivateFile(path, 10)).found, "unusable");
  await mkdir(join(folder, "folder"), { mode: 0o700 });
  assert.equal((await readPrivateFile(join(folder, "folder"), 1024 * 1024)).found, "unusable");
});
