import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import { test, type TestContext } from "node:test";
import { parseRevocationLine, type RevocationLine } from "#core/revocations.ts";
import { claimsOf } from "#identity/testing-app.ts";
import { ana } from "#identity/testing-people.ts";
import { signedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const path = "/internal/revocations";

/** Lines as a gateway reads them. */
async function follow(
  t: TestContext,
  identity: TestIdentity,
  query = "",
): Promise<() => Promise<RevocationLine>> {
  const leave = new AbortController();
  const answer = await identity.send(`${path}${query}`, { signal: leave.signal });
  assert.equal(answer.status, 200);
  const body = Readable.fromWeb(answer.body as WebStream<Uint8Array>);
  body.on("error", () => undefined);
  const lines = createInterface({ input: body })[Symbol.asyncIterator]();
  t.after(() => leave.abort());
  return async () => {
    const { value } = await lines.next();
    return parseRevocationLine(String(value)) ?? assert.fail(`no line: ${String(value)}`);
  };
}

async function untilEnded(next: () => Promise<RevocationLine>): Promise<RevocationLine> {
  for (;;) {
    const line = await next();
    if (line.ended.length > 0) return line;
  }
}

test("a gateway hears of a session that ends, and of no other", async (t) => {
  const identity = await testIdentity(t);
  const person = await signedInPerson(identity, ana);
  const other = await signedInPerson(identity, { ...ana, externalId: "two", login: "two" });
  const next = await follow(t, identity);
  assert.deepEqual((await next()).ended, []);
  await person.call("POST", "sign-out");
  const { ended } = await untilEnded(next);
  assert.deepEqual(ended, [claimsOf(person.tokens.access)["sid"]]);
  assert.notDeepEqual(ended, [claimsOf(other.tokens.access)["sid"]]);
});

test("a gateway that comes back hears of what ended while it was away", async (t) => {
  const identity = await testIdentity(t);
  const person = await signedInPerson(identity, ana);
  const { epoch } = await (await follow(t, identity))();
  await person.call("POST", "sign-out");
  const next = await follow(t, identity, `?since=${epoch}`);
  assert.deepEqual((await next()).ended, [claimsOf(person.tokens.access)["sid"]]);
});

test("sessions of an account that was suspended are told, too", async (t) => {
  const identity = await testIdentity(t);
  const person = await signedInPerson(identity, ana);
  const next = await follow(t, identity);
  await next();
  await identity.db.query("UPDATE identity.account SET status = 'suspended'");
  assert.deepEqual((await untilEnded(next)).ended, [claimsOf(person.tokens.access)["sid"]]);
});

test("nobody but a gateway may follow", async (t) => {
  const identity = await testIdentity(t);
  for (const role of ["operator", "records", "keys", "nobody"])
    assert.equal((await identity.send(path, {}, role)).status, 403);
});
