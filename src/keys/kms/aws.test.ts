import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openAwsKms, parseAwsConfig } from "#keys/kms/aws.ts";
import { awsAccount, fakeAws, isSigned } from "#keys/kms/testing-aws.ts";
import { codeOf, keepsPromises, type ServiceKms } from "#keys/kms/testing-promises.ts";
import { testFolder, type Cleanup } from "#keys/testing.ts";

const key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

async function open(t: Cleanup, secret: string = awsAccount.secretAccessKey): Promise<ServiceKms> {
  const service = await fakeAws(t, key);
  const credentialsFile = join(await testFolder(t), "credentials");
  const { accessKeyId, region } = awsAccount;
  const credentials = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secret };
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 });
  const choice = { kind: "aws", region, key, credentialsFile, endpoint: service.origin };
  const config = parseAwsConfig(choice);
  assert.ok(config !== null);
  const kms = await openAwsKms(config);
  assert.ok(kms.ok);
  t.after(() => kms.value.close());
  return { kms: kms.value, service };
}

keepsPromises("aws", open);

test("a request signed with another secret is unavailable and names why", async (t) => {
  const { kms } = await open(t, "another secret");
  const result = await kms.wrap(Buffer.alloc(32), "context");
  assert.equal(codeOf(result), "key-unavailable");
  assert.match(JSON.stringify(result), /InvalidSignatureException/);
  assert.ok(!JSON.stringify(result).includes("another secret"));
});

test("AWS gets the context as encryption context, under a signature over all of it", async (t) => {
  const { kms, service } = await open(t);
  await kms.wrap(Buffer.alloc(32), "phylax kek v1 ring 1");
  const [request] = service.requests;
  assert.ok(request !== undefined);
  assert.match(request.text, /"EncryptionContext":\{"phylax":"phylax kek v1 ring 1"\}/);
  assert.ok(isSigned(request, Date.now()));
  assert.ok(!isSigned({ ...request, text: request.text.replace("ring 1", "ring 2") }, Date.now()));
  assert.ok(!isSigned(request, Date.now() + 3_600_000));
});

test("a choice with an alias, an unknown member or an endpoint in the clear is none", () => {
  const good = { kind: "aws", region: "us-gov-west-1", key, fips: true };
  assert.ok(parseAwsConfig(good) !== null);
  const bad = [
    { ...good, key: "alias/phylax" },
    { ...good, key: "arn:aws:kms:eu-central-1:111122223333:alias/phylax" },
    { ...good, secretAccessKey: "x" },
    { ...good, endpoint: "http://kms.example" },
    { ...good, region: "nowhere" },
  ];
  for (const value of bad) assert.equal(parseAwsConfig(value), null, JSON.stringify(value));
});
