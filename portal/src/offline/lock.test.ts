import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { leaseKey, makeLock, seal, unseal } from "./lock.ts";

const bytes = (): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(32));
const summary = { problems: [{ name: "Asthma" }] };
const bound = { lease: "lease-1", endsAtMs: 1_000 };

async function scene() {
  const secret = bytes();
  const key = await leaseKey(randomBytes(32).toString("base64url"));
  const lock = await makeLock(secret);
  const sealed = await seal(summary, lock, { ...bound, key });
  return { secret, key, lock, sealed };
}

test("a copy opens with the passkey's secret and the lease's key, and shows nothing without", async () => {
  const { secret, key, lock, sealed } = await scene();
  assert.deepEqual(await unseal(sealed, lock, { ...bound, key, secret }), summary);
  assert.ok(!JSON.stringify([lock.wrapped, sealed]).includes("Asthma"));
});

test("a copy stays shut to another passkey, and to another lease's key", async () => {
  const { secret, key, lock, sealed } = await scene();
  await assert.rejects(unseal(sealed, lock, { ...bound, key, secret: bytes() }));
  const other = await leaseKey(randomBytes(32).toString("base64url"));
  await assert.rejects(unseal(sealed, lock, { ...bound, key: other, secret }));
});

test("the end of a lease cannot be written anew, neither beside the copy nor in it", async () => {
  const { secret, key, lock, sealed } = await scene();
  const later = { ...bound, endsAtMs: 9_000 };
  await assert.rejects(unseal(sealed, lock, { ...later, key, secret }));
  const [, ...rest] = sealed.split(".");
  const header = { alg: "dir", enc: "A256GCM", ...later };
  const forged = [Buffer.from(JSON.stringify(header)).toString("base64url"), ...rest].join(".");
  await assert.rejects(unseal(forged, lock, { ...later, key, secret }));
});

test("no script can read the lease's key out, nor make one of another length", async () => {
  const { key } = await scene();
  await assert.rejects(crypto.subtle.exportKey("raw", key));
  await assert.rejects(leaseKey(randomBytes(16).toString("base64url")));
});
