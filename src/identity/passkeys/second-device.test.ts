import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createAuthenticator } from "#identity/passkeys/testing-authenticator.ts";
import { createApp, readJson } from "#identity/testing-app.ts";
import { byPasskey, enrolBegin, enrolFinish } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  letSignInAge,
  signedInPerson,
  signInAgain,
  type SignedInPerson,
} from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const path = "account/second-device";

async function scanned(person: SignedInPerson): Promise<string> {
  const { enrolPath } = await readJson(await person.call("POST", path, {}));
  return String(enrolPath).slice("/enrol#token=".length);
}

/** Opens the link on another device and makes a passkey there. */
async function onSecondDevice(identity: TestIdentity, token: string) {
  const { options } = await readJson(await enrolBegin(identity, token));
  const authenticator = createAuthenticator();
  const response = await enrolFinish(identity, token, authenticator.create(options));
  return { authenticator, told: await readJson(response) };
}

async function signInStatus(identity: TestIdentity, prove: ReturnType<typeof byPasskey>) {
  const app = createApp(identity);
  return (await prove(app.browser, await app.open())).status;
}

suite("a second device", () => {
  test("signs in once the first device confirmed the number that both show", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const { authenticator, told } = await onSecondDevice(identity, await scanned(person));
    assert.match(String(told["confirm"]), /^\d{6}$/);
    assert.equal(await signInStatus(identity, byPasskey(authenticator)), 401);
    const [waiting] = await itemsOf(await person.call("GET", path));
    assert.equal(waiting?.["confirm"], told["confirm"]);
    const confirm = `${path}/${String(waiting?.["id"])}/confirm`;
    assert.equal((await person.call("POST", confirm, {})).status, 200);
    await signInAgain(identity, person.account, authenticator);
    assert.deepEqual(await itemsOf(await person.call("GET", path)), []);
    assert.equal((await itemsOf(await person.call("GET", "account/passkeys"))).length, 2);
    assert.equal((await person.call("POST", confirm, {})).status, 404);
  });

  test("that was refused never signs in", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const { authenticator } = await onSecondDevice(identity, await scanned(person));
    const [waiting] = await itemsOf(await person.call("GET", path));
    const one = `${path}/${String(waiting?.["id"])}`;
    assert.equal((await person.call("DELETE", one)).status, 200);
    assert.equal((await person.call("POST", `${one}/confirm`, {})).status, 404);
    assert.equal(await signInStatus(identity, byPasskey(authenticator)), 401);
  });

  test("is confirmed by nobody else, and not after its time", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signedInPerson(identity, nurse);
    const { authenticator } = await onSecondDevice(identity, await scanned(person));
    const [waiting] = await itemsOf(await person.call("GET", path));
    const confirm = `${path}/${String(waiting?.["id"])}/confirm`;
    assert.equal((await other.call("POST", confirm, {})).status, 404);
    await identity.db.query(
      "UPDATE identity.passkey SET created_at = created_at - interval '5 minutes' WHERE NOT usable",
    );
    assert.equal((await person.call("POST", confirm, {})).status, 404);
    assert.deepEqual(await itemsOf(await person.call("GET", path)), []);
    assert.equal(await signInStatus(identity, byPasskey(authenticator)), 401);
    await scanned(person);
    const left = await identity.db.query("SELECT id FROM identity.passkey WHERE NOT usable");
    assert.deepEqual(left, []);
  });

  test("uses its link once, within 5 minutes, and only the newest", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [older, newer] = [await scanned(person), await scanned(person)];
    assert.equal((await enrolBegin(identity, older)).status, 410);
    await onSecondDevice(identity, newer);
    assert.equal((await enrolBegin(identity, newer)).status, 410);
    const late = await scanned(person);
    await identity.db.query(
      "UPDATE identity.enrolment SET expires_at = expires_at - interval '5 minutes'",
    );
    assert.equal((await enrolBegin(identity, late)).status, 410);
  });

  test("is begun only by who signed in just now", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    await letSignInAge(identity);
    assert.equal(await codeOfProblem(await person.call("POST", path, {})), "step-up-needed");
  });

  test("that waits does not count as a way to sign in", async (t) => {
    const identity = await testIdentity(t);
    const { displayName, roles } = ana;
    const person = await signedInPerson(identity, { displayName, roles });
    await onSecondDevice(identity, await scanned(person));
    const [only] = await itemsOf(await person.call("GET", "account/passkeys"));
    const response = await person.call("DELETE", `account/passkeys/${String(only?.["id"])}`);
    assert.equal(await codeOfProblem(response), "last-factor");
  });
});
