import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { runProgram } from "#assembly/kms-tools.ts";
import { openSystemdCredsKms, parseSystemdCredsConfig } from "#keys/kms/systemd-creds.ts";
import { codeOf } from "#keys/kms/testing-promises.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { ProgramEnd, RunProgram } from "#keys/kms/tools.ts";

const kek = Buffer.alloc(32, 7);

function open(run: RunProgram): Kms {
  const connect = (): never => assert.fail("nothing is connected to");
  return openSystemdCredsKms({ kind: "systemd-creds", with: "host" }, { run, connect });
}

const mayUse =
  process.getuid?.() === 0 && spawnSync("systemd-creds", ["--version"]).status === 0
    ? {}
    : { skip: "systemd-creds is not installed, or this is not root, who alone may use it" };

test("systemd-creds opens what it sealed, and only under the same context", mayUse, async () => {
  const kms = open(runProgram);
  const wrapped = await kms.wrap(kek, "ring 1");
  assert.ok(wrapped.ok, wrapped.ok ? "" : wrapped.problem.detail);
  assert.ok(!wrapped.value.includes(kek));
  assert.deepEqual(await kms.unwrap(wrapped.value, "ring 1"), { ok: true, value: kek });
  assert.equal(codeOf(await kms.unwrap(wrapped.value, "ring 2")), "root-key-refused");
  const changed = Buffer.from(wrapped.value);
  changed.writeUInt8(changed.readUInt8(changed.length - 5) ^ 1, changed.length - 5);
  assert.equal(codeOf(await kms.unwrap(changed, "ring 1")), "root-key-refused");
});

const ends: Readonly<Record<string, ProgramEnd>> = {
  "that is not installed": { end: "missing" },
  "that hangs": { end: "too-slow" },
  "whose TPM fails": { end: "exit", code: 1, out: Buffer.alloc(0), error: "TPM2 not available." },
};

for (const [name, end] of Object.entries(ends))
  test(`a systemd-creds ${name} is unavailable`, async () => {
    const kms = open(() => Promise.resolve(end));
    assert.equal(codeOf(await kms.wrap(kek, "context")), "key-unavailable");
    assert.equal(codeOf(await kms.unwrap(Buffer.alloc(60), "context")), "key-unavailable");
  });

test("the key goes to systemd-creds by its input, never by its arguments", async () => {
  const calls: Parameters<RunProgram>[0][] = [];
  const kms = open((call) => {
    calls.push(call);
    return Promise.resolve({ end: "missing" });
  });
  await kms.wrap(kek, "context");
  assert.deepEqual(calls[0]?.input, kek);
  assert.deepEqual(Object.keys(calls[0]?.variables ?? {}), ["PATH", "LC_ALL"]);
});

test("a choice of no known machine key is none", () => {
  assert.ok(parseSystemdCredsConfig({ kind: "systemd-creds", with: "tpm2" }) !== null);
  for (const bad of [{}, { with: "null" }, { with: "host", key: "x" }])
    assert.equal(parseSystemdCredsConfig({ kind: "systemd-creds", ...bad }), null);
});
