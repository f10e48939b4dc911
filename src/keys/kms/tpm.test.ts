import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { runProgram } from "#assembly/kms-tools.ts";
import { codeOf } from "#keys/kms/testing-promises.ts";
import { noTpm, testTpm } from "#keys/kms/testing-tpm.ts";
import { openTpmKms, parseTpmConfig } from "#keys/kms/tpm.ts";
import { testFolder } from "#keys/testing.ts";

const kek = Buffer.alloc(32, 7);

test(
  "a TPM unseals what it sealed, only in the same context, and leaves no files",
  noTpm,
  async (t) => {
    const { tcti } = await testTpm(t);
    const folder = await testFolder(t);
    const config = { kind: "tpm", tcti, pcrs: null } as const;
    const kms = openTpmKms(config, { run: runProgram, folder });
    const wrapped = await kms.wrap(kek, "ring 1");
    assert.ok(wrapped.ok, wrapped.ok ? "" : wrapped.problem.detail);
    assert.ok(!wrapped.value.includes(kek) && wrapped.value.length < 1_024);
    // Several at once, and more than a TPM has room for.
    const again = openTpmKms(config, { run: runProgram, folder });
    const opened = await Promise.all([1, 2, 3, 4].map(() => again.unwrap(wrapped.value, "ring 1")));
    for (const one of opened) assert.deepEqual(one, { ok: true, value: kek });
    assert.equal(codeOf(await kms.unwrap(wrapped.value, "ring 2")), "root-key-refused");
    assert.deepEqual(await readdir(folder), []);
  },
);

test(
  "another TPM and a changed byte are refused, a TPM that is gone is unavailable",
  noTpm,
  async (t) => {
    const folder = await testFolder(t);
    const [one, other] = [await testTpm(t), await testTpm(t)];
    const open = (tcti: string): ReturnType<typeof openTpmKms> =>
      openTpmKms({ kind: "tpm", tcti, pcrs: null }, { run: runProgram, folder });
    const wrapped = await open(one.tcti).wrap(kek, "context");
    assert.ok(wrapped.ok);
    assert.equal(
      codeOf(await open(other.tcti).unwrap(wrapped.value, "context")),
      "root-key-refused",
    );
    const changed = Buffer.from(wrapped.value);
    changed.writeUInt8(changed.readUInt8(changed.length - 5) ^ 1, changed.length - 5);
    for (const bad of [changed, wrapped.value.subarray(0, 9), Buffer.alloc(1)])
      assert.equal(codeOf(await open(one.tcti).unwrap(bad, "context")), "root-key-refused");
    await one.stop();
    assert.equal(codeOf(await open(one.tcti).unwrap(wrapped.value, "context")), "key-unavailable");
  },
);

test("bound to a register, a key opens no more once the register has changed", noTpm, async (t) => {
  const { tcti } = await testTpm(t);
  const folder = await testFolder(t);
  const kms = openTpmKms({ kind: "tpm", tcti, pcrs: "sha256:16" }, { run: runProgram, folder });
  const wrapped = await kms.wrap(kek, "context");
  assert.ok(wrapped.ok, wrapped.ok ? "" : wrapped.problem.detail);
  assert.ok((await kms.unwrap(wrapped.value, "context")).ok);
  const env = { ...process.env, TPM2TOOLS_TCTI: tcti };
  const digest = `16:sha256=${"ab".repeat(32)}`;
  assert.equal(spawnSync("tpm2_pcrextend", [digest], { env }).status, 0);
  assert.equal(codeOf(await kms.unwrap(wrapped.value, "context")), "root-key-refused");
});

test("a machine without tpm2-tools is unavailable and says so", async (t) => {
  const folder = await testFolder(t);
  const run = (): Promise<{ end: "missing" }> => Promise.resolve({ end: "missing" });
  const kms = openTpmKms({ kind: "tpm", tcti: null, pcrs: null }, { run, folder });
  const result = await kms.wrap(kek, "context");
  assert.equal(codeOf(result), "key-unavailable");
  assert.match(JSON.stringify(result), /tpm2_createprimary is not installed/);
});

test("a choice whose connection or registers hold other things is none", () => {
  assert.ok(parseTpmConfig({ kind: "tpm", pcrs: "sha256:0,7" }) !== null);
  for (const more of [{ tcti: "device:/dev/tpm0 -x" }, { pcrs: "7" }, { auth: "secret" }])
    assert.equal(parseTpmConfig({ kind: "tpm", ...more }), null);
});
