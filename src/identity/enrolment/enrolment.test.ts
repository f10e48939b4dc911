import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isRecord } from "#core/jws.ts";
import { createAuthenticator } from "#identity/passkeys/testing-authenticator.ts";
import { createApp, readJson } from "#identity/testing-app.ts";
import { byPasskey, enrol, enrolBegin, enrolFinish, postJson } from "#identity/testing-passkeys.ts";
import { ana, makeAccount, nurse } from "#identity/testing-people.ts";
import { testIdentity } from "#identity/testing.ts";

suite("enrolment by a one-time link", () => {
  test("offers a discoverable passkey that verifies the person, and greets her", async (t) => {
    const identity = await testIdentity(t);
    const { account, token } = await makeAccount(identity, ana);
    const offer = await readJson(await enrolBegin(identity, token));
    assert.equal(offer["displayName"], "Ana Lima");
    const { options } = offer;
    assert.ok(isRecord(options) && isRecord(options["user"]) && isRecord(options["rp"]));
    assert.deepEqual(options["rp"], { name: "Test clinic", id: "portal.example" });
    assert.equal(
      Buffer.from(String(options["user"]["id"]), "base64url").toString("hex"),
      account.replaceAll("-", ""),
    );
    assert.equal(options["attestation"], "none");
    const selection = options["authenticatorSelection"];
    assert.ok(isRecord(selection));
    assert.equal(selection["residentKey"], "required");
    assert.equal(selection["userVerification"], "required");
  });

  test("is logged as the account's own doing", async (t) => {
    const identity = await testIdentity(t);
    const { account, token } = await makeAccount(identity, ana);
    await enrol(identity, token);
    const entry = identity.log.entries.at(-1);
    assert.deepEqual([entry?.action, entry?.decision, entry?.actor], ["enrol", "permit", account]);
  });

  test("makes no passkey that the log does not tell of", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    const offer = await readJson(await enrolBegin(identity, token));
    const credential = createAuthenticator().create(offer["options"]);
    identity.log.isDown = true;
    assert.equal((await enrolFinish(identity, token, credential)).status, 503);
    assert.deepEqual(await identity.db.query("SELECT 1 FROM identity.passkey"), []);
    identity.log.isDown = false;
    await enrol(identity, token);
  });

  test("works once: afterwards the link neither begins nor finishes", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    await enrol(identity, token);
    const begun = await enrolBegin(identity, token);
    assert.equal(begun.status, 410);
    assert.equal((await readJson(begun))["type"], "urn:phylax:problem:enrolment-link-refused");
    const finished = await enrolFinish(identity, token, {});
    assert.equal(finished.status, 410);
    const denied = identity.log.entries.at(-1);
    assert.deepEqual([denied?.action, denied?.decision], ["enrol", "deny"]);
  });

  test("of two who finish at once with one link, one is enrolled", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    const offer = await readJson(await enrolBegin(identity, token));
    const both = await Promise.all(
      [createAuthenticator(), createAuthenticator()].map((authenticator) =>
        enrolFinish(identity, token, authenticator.create(offer["options"])),
      ),
    );
    assert.equal(both.filter(({ status }) => status === 200).length, 1);
    const stored = await identity.db.query("SELECT account FROM identity.passkey");
    assert.equal(stored.length, 1);
  });

  test("a wrong answer leaves the link good, but not the challenge", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    const offer = await readJson(await enrolBegin(identity, token));
    const authenticator = createAuthenticator();
    const evil = authenticator.create(offer["options"], { origin: "https://evil.example" });
    assert.equal((await enrolFinish(identity, token, evil)).status, 401);
    const right = authenticator.create(offer["options"]);
    assert.equal((await enrolFinish(identity, token, right)).status, 410);
    await enrol(identity, token);
  });

  const wrongs = {
    "for another relying party": { rpId: "evil.example" },
    "without verifying the person": { flags: 0x01 },
    "to another challenge": { challenge: Buffer.alloc(32).toString("base64url") },
    "that is a sign-in": { type: "webauthn.get" },
  };
  for (const [name, wrong] of Object.entries(wrongs)) {
    test(`a passkey made ${name} is refused`, async (t) => {
      const identity = await testIdentity(t);
      const { token } = await makeAccount(identity, ana);
      const offer = await readJson(await enrolBegin(identity, token));
      const credential = createAuthenticator().create(offer["options"], wrong);
      assert.equal((await enrolFinish(identity, token, credential)).status, 401);
    });
  }

  test("a passkey known already, of whomever, is not stored again", async (t) => {
    const identity = await testIdentity(t);
    const hers = await enrol(identity, (await makeAccount(identity, ana)).token);
    const { token } = await makeAccount(identity, nurse);
    const offer = await readJson(await enrolBegin(identity, token));
    const response = await enrolFinish(identity, token, hers.create(offer["options"]));
    assert.equal(response.status, 401);
    const stored = await identity.db.query("SELECT account FROM identity.passkey");
    assert.equal(stored.length, 1);
  });

  test("a newer link revokes the older, and lets a second passkey in", async (t) => {
    const identity = await testIdentity(t);
    const { account, token } = await makeAccount(identity, ana);
    const made = await readJson(await identity.operate("/internal/enrolment-links", { account }));
    assert.equal(made["account"], account);
    assert.equal((await enrolBegin(identity, token)).status, 410);
    const newer = String(made["enrolPath"]).slice("/enrol#token=".length);
    const first = await enrol(identity, newer);
    const third = await makeAccount(identity, ana);
    const offer = await readJson(await enrolBegin(identity, third.token));
    assert.ok(isRecord(offer["options"]));
    assert.match(
      JSON.stringify(offer["options"]["excludeCredentials"]),
      new RegExp(first.credentialId),
    );
    const second = await enrol(identity, third.token);
    for (const authenticator of [first, second])
      await createApp(identity).signIn(byPasskey(authenticator));
  });

  test("a link expires, and so does its challenge", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    const offer = await readJson(await enrolBegin(identity, token));
    await identity.db.query(
      "UPDATE identity.enrolment SET challenge_ends_at = challenge_ends_at - interval '5 minutes'",
    );
    const credential = createAuthenticator().create(offer["options"]);
    assert.equal((await enrolFinish(identity, token, credential)).status, 410);
    await identity.db.query("UPDATE identity.enrolment SET expires_at = now()");
    assert.equal((await enrolBegin(identity, token)).status, 410);
  });

  test("the token is nowhere in the database", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    const [row] = await identity.db.query<{ token_hash: Buffer }>(
      "SELECT token_hash FROM identity.enrolment",
    );
    assert.equal(row?.token_hash.length, 32);
    assert.notEqual(row?.token_hash.toString("base64url"), token);
  });

  test("anything but a token of the right form is refused alike", async (t) => {
    const identity = await testIdentity(t);
    for (const token of ["", "short", "x".repeat(43), 7, null, ["x"], "x".repeat(10_000)]) {
      const response = await postJson(identity, "/api/identity/enrol/begin", { token });
      assert.equal(response.status, 410);
    }
  });

  test("a passkey needs a name of reasonable length", async (t) => {
    const identity = await testIdentity(t);
    const { token } = await makeAccount(identity, ana);
    for (const passkeyName of ["", "x".repeat(101), 7]) {
      const body = { token, passkeyName, credential: {} };
      const response = await postJson(identity, "/api/identity/enrol/finish", body);
      assert.equal(response.status, 400);
    }
  });
});
