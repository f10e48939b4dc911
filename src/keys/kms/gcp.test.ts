import assert from "node:assert/strict";
import { test } from "node:test";
import { openGcpKms, parseGcpConfig } from "#keys/kms/gcp.ts";
import { fakeGcp, serviceAccountFile } from "#keys/kms/testing-gcp.ts";
import { codeOf, keepsPromises, type ServiceKms } from "#keys/kms/testing-promises.ts";
import type { Cleanup } from "#keys/testing.ts";

const key = "projects/phylax/locations/europe-west3/keyRings/portal/cryptoKeys/root";

async function open(t: Cleanup, stranger = false): Promise<ServiceKms> {
  const service = await fakeGcp(t, key);
  const credentialsFile = await serviceAccountFile(t, stranger);
  const config = parseGcpConfig({ kind: "gcp", key, credentialsFile });
  assert.ok(config !== null);
  const kms = await openGcpKms(config, service.tools);
  assert.ok(kms.ok);
  return { kms: kms.value, service };
}

keepsPromises("gcp", open);

test("an account that Google does not know is unavailable and asks the KMS nothing", async (t) => {
  const { kms, service } = await open(t, true);
  const result = await kms.wrap(Buffer.alloc(32), "context");
  assert.equal(codeOf(result), "key-unavailable");
  assert.match(JSON.stringify(result), /not sign in/);
  assert.ok(service.requests.every(({ path }) => path === "/token"));
});

test("Google gets the context as additional authenticated data, and one sign-in serves many calls", async (t) => {
  const { kms, service } = await open(t);
  for (let n = 0; n < 3; n += 1) assert.ok((await kms.wrap(Buffer.alloc(32), "ring 1")).ok);
  const [signIn, ...calls] = service.requests;
  assert.equal(signIn?.path, "/token");
  assert.equal(calls.length, 3);
  for (const { text } of calls) assert.match(text, /"additionalAuthenticatedData":"cmluZyAx"/);
});

test("a choice of a version, of another resource or with an unknown member is none", () => {
  const good = { kind: "gcp", key };
  assert.ok(parseGcpConfig(good) !== null);
  const bad = [
    { kind: "gcp", key: `${key}/cryptoKeyVersions/1` },
    { kind: "gcp", key: "projects/phylax" },
    { ...good, token: "ya29" },
    { ...good, endpoint: "https://kms.example/v1" },
  ];
  for (const value of bad) assert.equal(parseGcpConfig(value), null, JSON.stringify(value));
});
