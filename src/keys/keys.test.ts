import assert from "node:assert/strict";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ok } from "#core/result.ts";
import { openKeyHome } from "#keys/keys.ts";
import { testKeyHome } from "#keys/testing.ts";

test("the first start makes root key and ring; the second opens the same", async (t) => {
  const at = await testKeyHome(t);
  const first = await openKeyHome(at);
  const second = await openKeyHome(at);
  assert.ok(first.ok && second.ok);
  const wrapped = first.value.keeper
    .current()
    .wrap({ tenant: "t", compartment: "c", dekVersion: 1 }, Buffer.alloc(32));
  assert.ok(second.value.keeper.current().unwrap(wrapped).ok);
  assert.deepEqual((await readdir(at.folder)).sort(), ["key-ring.json", "root.key"]);
  assert.equal((await stat(at.folder)).mode & 0o777, 0o700);
});

test("a wrong passphrase at the second start is refused and alters nothing", async (t) => {
  const at = await testKeyHome(t);
  assert.ok((await openKeyHome(at)).ok);
  const wrong = await openKeyHome({ ...at, passphrase: () => ok("another long passphrase") });
  assert.ok(!wrong.ok);
  assert.equal(wrong.problem.code, "root-key-refused");
  assert.ok((await openKeyHome(at)).ok);
});

test("a lost ring is not replaced by a new one, which could open no record", async (t) => {
  const at = await testKeyHome(t);
  assert.ok((await openKeyHome(at)).ok);
  await rm(join(at.folder, "key-ring.json"));
  const found = await openKeyHome(at);
  assert.ok(!found.ok);
  assert.equal(found.problem.code, "key-ring-refused");
});

test("a lost root key is not replaced by a new one", async (t) => {
  const at = await testKeyHome(t);
  assert.ok((await openKeyHome(at)).ok);
  await rm(join(at.folder, "root.key"));
  const found = await openKeyHome(at);
  assert.ok(!found.ok);
  assert.equal(found.problem.code, "root-key-refused");
});

test("a first start that was killed half way is begun anew", async (t) => {
  const at = await testKeyHome(t);
  await mkdir(`${at.folder}.new`);
  await writeFile(join(`${at.folder}.new`, "root.key"), "half");
  assert.ok((await openKeyHome(at)).ok);
  await assert.rejects(stat(`${at.folder}.new`), { code: "ENOENT" });
});

test("a first start with too short a passphrase leaves nothing behind", async (t) => {
  const at = await testKeyHome(t);
  assert.equal((await openKeyHome({ ...at, passphrase: () => ok("short") })).ok, false);
  await assert.rejects(stat(at.folder), { code: "ENOENT" });
  await assert.rejects(stat(`${at.folder}.new`), { code: "ENOENT" });
});
