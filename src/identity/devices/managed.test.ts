import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import { laterBy, systemClock } from "#core/clock.ts";
import { settleEnded } from "#identity/devices/managing.ts";
import { certificateRequest, showing } from "#identity/devices/testing-certificate.ts";
import { claimsOf, createApp, readJson, readTokens, type TestApp } from "#identity/testing-app.ts";
import { byPasskey } from "#identity/testing-passkeys.ts";
import { nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  letSignInAge,
  signedInPerson,
  type SignedInPerson,
} from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const me = "/api/identity/me";

async function deviceOf(person: SignedInPerson): Promise<string> {
  const items = await itemsOf(await person.call("GET", "account/devices"));
  return String(items.find(({ isThis }) => isThis === true)?.["id"]);
}

interface Managed {
  readonly identity: TestIdentity;
  readonly person: SignedInPerson;
  readonly id: string;
  readonly thumbprint: string;
  readonly certificate: string;
}

/** A nurse on a tablet that the clinic manages, with its first certificate. */
async function managed(identity: TestIdentity): Promise<Managed> {
  const person = await signedInPerson(identity, nurse);
  const id = await deviceOf(person);
  const enrolled = await identity.operate("/internal/devices/enrol", { id, managedBy: "clinic" });
  assert.equal(enrolled.status, 200);
  const { csr } = await certificateRequest();
  const made = await readJson(
    await person.call("POST", `account/devices/${id}/certificate`, { csr }),
  );
  return {
    identity,
    person,
    id,
    thumbprint: String(made["thumbprint"]),
    certificate: String(made["certificate"]),
  };
}

/** The app with the same DPoP key, asking over connections with this certificate. */
const appWith = ({ person, identity }: Managed, thumbprint: string): TestApp => ({
  ...createApp(showing(identity, thumbprint)),
  key: person.app.key,
});

async function levelOf(identity: TestIdentity, id: string): Promise<number> {
  const shown = await readJson(await identity.operate("/internal/devices/show", { id }));
  return Number(shown["level"]);
}

suite("a managed device's certificate", () => {
  test("names the device, proves a client and nothing else, lasts 7 days, and raises it to level 2", async (t) => {
    const identity = await testIdentity(t);
    const { id, certificate } = await managed(identity);
    const read = new X509Certificate(certificate);
    assert.equal(read.subject, `CN=${id}`);
    assert.equal(read.ca, false);
    assert.deepEqual(read.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
    assert.equal(read.subjectAltName, undefined);
    const days = (read.validToDate.getTime() - Date.now()) / 86_400_000;
    assert.ok(days > 6.9 && days <= 7);
    assert.equal(await levelOf(identity, id), 2);
  });

  test("is needed from then on: the key copied to another browser profile gets no token", async (t) => {
    const identity = await testIdentity(t);
    const device = await managed(identity);
    const { person, thumbprint } = device;
    assert.equal((await person.app.refresh(person.tokens.refresh)).status, 400);
    const thief = await person.app.signIn(byPasskey(person.authenticator), { max_age: "0" });
    assert.equal((await person.app.exchange(thief.get("code") ?? "")).status, 400);
    const other = appWith(device, "A".repeat(43));
    const shown = await other.refresh(person.tokens.refresh);
    assert.equal(shown.status, 400);
    const own = createApp(showing(identity, thumbprint));
    const code = (await own.signIn(byPasskey(person.authenticator))).get("code") ?? "";
    // Another key may be used without the certificate, on its own level; this one with it alone.
    assert.equal((await own.exchange(code)).status, 200);
  });

  test("binds the tokens: each is good only over a connection with it", async (t) => {
    const identity = await testIdentity(t);
    const device = await managed(identity);
    const { person, thumbprint } = device;
    const shown = showing(identity, thumbprint);
    const tokens = await readTokens(
      await shown.send("/oauth/token", {
        method: "POST",
        headers: { dpop: person.app.key.proof("POST", "/oauth/token") },
        body: new URLSearchParams({
          grant_type: "refresh_token",
          client_id: "phylax-portal",
          refresh_token: person.tokens.refresh,
        }),
      }),
    );
    assert.equal(claimsOf(tokens.access)["x5t#S256"], thumbprint);
    const ask = (by: TestIdentity): Promise<Response> =>
      by.send(me, {
        headers: {
          authorization: `DPoP ${tokens.access}`,
          dpop: person.app.key.proof("GET", me, { token: tokens.access }),
        },
      });
    assert.equal((await ask(shown)).status, 200);
    assert.equal(await codeOfProblem(await ask(identity)), "proof-invalid");
    assert.equal(
      await codeOfProblem(await ask(showing(identity, "B".repeat(43)))),
      "proof-invalid",
    );
  });

  test("is given only to a device that somebody manages, and only to itself", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, nurse);
    const id = await deviceOf(person);
    const { csr } = await certificateRequest();
    const path = `account/devices/${id}/certificate`;
    assert.equal((await person.call("POST", path, { csr })).status, 403);
    await identity.operate("/internal/devices/enrol", { id, managedBy: "clinic" });
    const other = "00000000-0000-4000-8000-000000000000";
    const foreign = await person.call("POST", `account/devices/${other}/certificate`, { csr });
    assert.equal(foreign.status, 404);
    await letSignInAge(identity);
    assert.equal(await codeOfProblem(await person.call("POST", path, { csr })), "step-up-needed");
  });

  test("is not given for a request that is broken, altered, weak or too long", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, nurse);
    const id = await deviceOf(person);
    await identity.operate("/internal/devices/enrol", { id, managedBy: "clinic" });
    const { csr } = await certificateRequest();
    const weak = await certificateRequest({ name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" });
    const middle = csr.indexOf("\n", 40) + 20;
    const altered = `${csr.slice(0, middle)}${csr[middle] === "A" ? "B" : "A"}${csr.slice(middle + 1)}`;
    for (const wrong of [undefined, 7, "", "PEM", altered, weak.csr, csr + " ".repeat(9_000)]) {
      const answer = await person.call("POST", `account/devices/${id}/certificate`, { csr: wrong });
      assert.equal(answer.status, 400, String(wrong).slice(0, 40));
    }
    assert.equal(await levelOf(identity, id), 1);
  });

  test("counts no more when it has ended, and its level with it", async (t) => {
    const identity = await testIdentity(t);
    const { id, person } = await managed(identity);
    const now = (): ReturnType<typeof laterBy> => laterBy(systemClock.now(), 8 * 86_400_000);
    await settleEnded({ db: identity.db, clock: { ...systemClock, now } });
    assert.equal(await levelOf(identity, id), 1);
    // The key stays bound: who waits until the certificate has ended gets nothing by that.
    assert.equal((await person.app.refresh(person.tokens.refresh)).status, 400);
  });

  test("dies with the device, and with whoever managed it", async (t) => {
    const identity = await testIdentity(t);
    const { id } = await managed(identity);
    await identity.operate("/internal/devices/enrol", { id, managedBy: null });
    assert.equal(await levelOf(identity, id), 1);
    const { csr } = await certificateRequest();
    const none = await identity.operate("/internal/devices/certificate", { id, csr });
    assert.equal(none.status, 403);
    await identity.operate("/internal/devices/enrol", { id, managedBy: "clinic" });
    assert.equal(
      (await identity.operate("/internal/devices/certificate", { id, csr })).status,
      200,
    );
    assert.equal(await levelOf(identity, id), 2);
    await identity.operate("/internal/devices/lost", { id });
    assert.equal(await levelOf(identity, id), 0);
    assert.equal(
      (await identity.operate("/internal/devices/certificate", { id, csr })).status,
      404,
    );
  });
});
