import assert from "node:assert/strict";
import { chmod, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemRandom } from "#core/random.ts";
import { createFileKms, openFileKms } from "#keys/kms/file.ts";
import { cheapCost, testFolder, testPassphrase } from "#keys/testing.ts";

const random = systemRandom;
const passphrase = testPassphrase;

async function newRootKey(t: TestContext): Promise<{ path: string; wrapped: Buffer }> {
  const path = join(await testFolder(t), "root.key");
  const kms = await createFileKms({ path, passphrase, random }, cheapCost);
  assert.ok(kms.ok);
  const wrapped = await kms.value.wrap(Buffer.alloc(32, 7), "context");
  assert.ok(wrapped.ok);
  return { path, wrapped: wrapped.value };
}

async function refusal(path: string, tried = passphrase): Promise<string> {
  const kms = await openFileKms({ path, passphrase: tried, random });
  assert.ok(!kms.ok);
  assert.equal(kms.problem.code, "root-key-refused");
  return kms.problem.detail ?? "";
}

test("what one start wrapped, the next start unwraps with the same passphrase", async (t) => {
  const { path, wrapped } = await newRootKey(t);
  const again = await openFileKms({ path, passphrase, random });
  assert.ok(again.ok);
  const kek = await again.value.unwrap(wrapped, "context");
  assert.deepEqual(kek, { ok: true, value: Buffer.alloc(32, 7) });
});

test("a wrong passphrase is refused in words that tell nothing of it", async (t) => {
  const { path } = await newRootKey(t);
  const detail = await refusal(path, "correct horse battery stable");
  assert.equal(detail, "the passphrase is wrong, or the file was altered");
});

test("a passphrase typed as composed or decomposed characters is the same passphrase", async (t) => {
  const path = join(await testFolder(t), "root.key");
  const composed = "sch\u00f6ner langer satz";
  const decomposed = "scho\u0308ner langer satz";
  assert.ok((await createFileKms({ path, passphrase: composed, random }, cheapCost)).ok);
  assert.ok((await openFileKms({ path, passphrase: decomposed, random })).ok);
});

test("a passphrase of eleven characters makes no root key", async (t) => {
  const path = join(await testFolder(t), "root.key");
  const kms = await createFileKms({ path, passphrase: "elevenchars", random }, cheapCost);
  assert.ok(!kms.ok);
  await assert.rejects(stat(path), { code: "ENOENT" });
});

test("the file is for its owner only and holds the passphrase nowhere", async (t) => {
  const { path } = await newRootKey(t);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.ok(!(await readFile(path, "utf8")).includes("horse"));
});

test("a key wrapped in one context does not unwrap in another", async (t) => {
  const { path, wrapped } = await newRootKey(t);
  const kms = await openFileKms({ path, passphrase, random });
  assert.ok(kms.ok);
  assert.equal((await kms.value.unwrap(wrapped, "another")).ok, false);
});

test("another root key unwraps nothing, even under the same passphrase", async (t) => {
  const { wrapped } = await newRootKey(t);
  const { path } = await newRootKey(t);
  const other = await openFileKms({ path, passphrase, random });
  assert.ok(other.ok);
  assert.equal((await other.value.unwrap(wrapped, "context")).ok, false);
});

test("a root key file that others may read is refused until it is closed to them", async (t) => {
  const { path } = await newRootKey(t);
  await chmod(path, 0o640);
  assert.match(await refusal(path), /chmod 600/);
  await chmod(path, 0o600);
  assert.ok((await openFileKms({ path, passphrase, random })).ok);
});

test("a missing file, a symbolic link and a huge file are refused each for what it is", async (t) => {
  const { path } = await newRootKey(t);
  const folder = await testFolder(t);
  assert.match(await refusal(join(folder, "none")), /no root key file/);
  await symlink(path, join(folder, "link"));
  assert.match(await refusal(join(folder, "link")), /ELOOP/);
  await writeFile(join(folder, "huge"), "x".repeat(5_000), { mode: 0o600 });
  assert.match(await refusal(join(folder, "huge")), /larger than 4096 bytes/);
});

type Edit = (file: { kdf: Record<string, unknown>; [name: string]: unknown }) => void;

const edits: Record<string, Edit> = {
  "a lower number of passes": (file) => (file.kdf["passes"] = 2),
  "more memory": (file) => (file.kdf["memoryKib"] = 128),
  "another salt": (file) => (file.kdf["salt"] = Buffer.alloc(16).toString("base64url")),
  "another sealed key": (file) => (file["sealed"] = Buffer.alloc(60).toString("base64url")),
  "a future version": (file) => (file["version"] = 2),
  "another key derivation": (file) => (file.kdf["name"] = "scrypt"),
  "memory for a day's work": (file) => (file.kdf["memoryKib"] = 2 ** 31),
  "a thousand passes": (file) => (file.kdf["passes"] = 1_000),
  "no lanes": (file) => (file.kdf["lanes"] = 0),
  "an unknown name": (file) => (file["comment"] = "hello"),
};

for (const [name, edit] of Object.entries(edits)) {
  test(`a root key file with ${name} is refused`, async (t) => {
    const { path } = await newRootKey(t);
    const file = JSON.parse(await readFile(path, "utf8")) as Parameters<Edit>[0];
    edit(file);
    await writeFile(path, JSON.stringify(file));
    await refusal(path);
  });
}
