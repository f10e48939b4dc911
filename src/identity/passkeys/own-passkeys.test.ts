import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createAuthenticator } from "#identity/passkeys/testing-authenticator.ts";
import { createApp, readJson } from "#identity/testing-app.ts";
import { byPasskey } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  letSignInAge,
  signedInPerson,
  type SignedInPerson,
} from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const { displayName, roles, patients } = ana;
/** Somebody who has no password. */
const passkeyOnly = { displayName, roles, patients };

async function addPasskey(person: SignedInPerson, name = "My laptop", origin?: string) {
  const { options } = await readJson(await person.call("POST", "account/passkeys/options", {}));
  const authenticator = createAuthenticator();
  const wrong = origin === undefined ? {} : { origin };
  const credential = authenticator.create(options, wrong);
  const response = await person.call("POST", "account/passkeys", { name, credential });
  return { authenticator, credential, response };
}

suite("one's own passkeys", () => {
  test("are listed by name, and say when they were used", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    const [first, ...others] = await itemsOf(await person.call("GET", "account/passkeys"));
    assert.deepEqual([first?.["name"], first?.["isSynced"], others], ["My phone", false, []]);
    assert.match(String(first?.["lastUsedAt"]), /^\d{4}-\d\d-\d\dT/);
  });

  test("may be several: each that is added signs in, and the log tells of it", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    const { authenticator, response } = await addPasskey(person);
    assert.equal(response.status, 201);
    const names = (await itemsOf(await person.call("GET", "account/passkeys"))).map(
      ({ name }) => name,
    );
    assert.deepEqual(names, ["My phone", "My laptop"]);
    for (const one of [person.authenticator, authenticator])
      await createApp(identity).signIn(byPasskey(one));
    const entry = identity.log.entries.find(({ reasons }) => reasons[0] === "passkey-added");
    assert.deepEqual([entry?.action, entry?.actor], ["account-change", person.account]);
  });

  test("are renamed and removed, and a removed one signs nobody in", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    const { authenticator, response } = await addPasskey(person);
    const { id } = await readJson(response);
    const path = `account/passkeys/${String(id)}`;
    assert.equal((await person.call("PATCH", path, { name: "Old laptop" })).status, 200);
    const listed = await itemsOf(await person.call("GET", "account/passkeys"));
    assert.equal(listed.find((one) => one["id"] === id)?.["name"], "Old laptop");
    assert.equal((await person.call("DELETE", path)).status, 200);
    const app = createApp(identity);
    const refused = await byPasskey(authenticator)(app.browser, await app.open());
    assert.equal(refused.status, 401);
    assert.equal((await person.call("DELETE", path)).status, 404);
  });

  test("never lose the last one, also when two are removed at once", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    await addPasskey(person);
    const ids = (await itemsOf(await person.call("GET", "account/passkeys"))).map(({ id }) =>
      String(id),
    );
    const both = await Promise.all(
      ids.map((id) => person.call("DELETE", `account/passkeys/${id}`)),
    );
    for (const status of [200, 409])
      assert.ok(
        both.some((one) => one.status === status),
        `${status}`,
      );
    const refused = both.find(({ status }) => status === 409);
    assert.equal(refused && (await codeOfProblem(refused)), "last-factor");
  });

  test("may all go when a password and a code are left", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [only] = await itemsOf(await person.call("GET", "account/passkeys"));
    const response = await person.call("DELETE", `account/passkeys/${String(only?.["id"])}`);
    assert.equal(response.status, 200);
  });

  test("are changed only by who signed in just now", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    await letSignInAge(identity);
    const [only] = await itemsOf(await person.call("GET", "account/passkeys"));
    for (const [method, path] of [
      ["POST", "account/passkeys/options"],
      ["POST", "account/passkeys"],
      ["DELETE", `account/passkeys/${String(only?.["id"])}`],
    ] as const) {
      const response = await person.call(method, path, method === "POST" ? {} : undefined);
      assert.equal(response.status, 403, path);
      assert.equal(await codeOfProblem(response), "step-up-needed");
    }
  });

  test("of another person are neither seen nor touched", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    const other = await signedInPerson(identity, nurse);
    const [theirs] = await itemsOf(await other.call("GET", "account/passkeys"));
    const path = `account/passkeys/${String(theirs?.["id"])}`;
    assert.equal((await person.call("PATCH", path, { name: "Mine" })).status, 404);
    assert.equal((await person.call("DELETE", path)).status, 404);
  });

  test("are not made for another origin, nor twice by one answer, nor without being asked for", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    const foreign = await addPasskey(person, "Phished", "https://portal.example.evil");
    assert.equal(await codeOfProblem(foreign.response), "passkey-refused");
    const { credential, response } = await addPasskey(person);
    assert.equal(response.status, 201);
    const again = await person.call("POST", "account/passkeys", { name: "Again", credential });
    assert.equal(await codeOfProblem(again), "passkey-refused");
    assert.equal((await itemsOf(await person.call("GET", "account/passkeys"))).length, 2);
  });

  test("need a name of reasonable length", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, passkeyOnly);
    const [only] = await itemsOf(await person.call("GET", "account/passkeys"));
    for (const name of ["", "x".repeat(101), 7]) {
      const path = `account/passkeys/${String(only?.["id"])}`;
      const response = await person.call("PATCH", path, { name });
      assert.equal(response.status, 400);
      assert.equal((await readJson(response))["at"], "name");
    }
  });

  test("are not changed while the log cannot be written", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [only] = await itemsOf(await person.call("GET", "account/passkeys"));
    identity.log.isDown = true;
    const path = `account/passkeys/${String(only?.["id"])}`;
    assert.equal((await person.call("DELETE", path)).status, 503);
    identity.log.isDown = false;
    assert.equal((await itemsOf(await person.call("GET", "account/passkeys"))).length, 1);
  });
});
