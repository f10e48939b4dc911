import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ana, nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  letSignInAge,
  signedInPerson,
  signInAgain,
} from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

suite("one's own devices", () => {
  test("are listed with name, level, place and which one this is, last used first", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signInAgain(identity, person.account, person.authenticator);
    const items = await itemsOf(await other.call("GET", "account/devices"));
    assert.deepEqual(
      items.map(({ isThis }) => isThis),
      [true, false],
    );
    for (const one of items) {
      assert.equal(one["kind"], "browser");
      assert.equal(one["level"], 1);
      assert.equal(one["attestation"], "none");
      assert.equal(one["managedBy"], null);
      assert.equal(one["lastPlace"], "192.0.2.7");
      assert.equal(one["lastZone"], "internet");
      assert.equal(one["isSignedIn"], true);
      assert.equal(one["lostAt"], null);
      assert.ok(Date.parse(String(one["lastSeenAt"])) > Date.now() - 60_000);
    }
  });

  test("are called what the person calls them, and the name lies sealed", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [mine] = await itemsOf(await person.call("GET", "account/devices"));
    const tail = `account/devices/${String(mine?.["id"])}`;
    assert.equal((await person.call("PATCH", tail, { name: "Ana's kitchen iPad" })).status, 200);
    const [named] = await itemsOf(await person.call("GET", "account/devices"));
    assert.equal(named?.["name"], "Ana's kitchen iPad");
    const [row] = await identity.db.query("SELECT name_sealed FROM identity.device");
    const sealed: unknown = row?.["name_sealed"];
    assert.ok(Buffer.isBuffer(sealed) && !sealed.includes("kitchen"));
    for (const name of ["", 7, "x".repeat(101), undefined])
      assert.equal((await person.call("PATCH", tail, { name })).status, 400);
  });

  test("stand on the level that the server computes, whatever the device says of itself", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [mine] = await itemsOf(await person.call("GET", "account/devices"));
    const claim = { name: "mine", level: 4, managedBy: "me", attestation: "app-attest" };
    await person.call("PATCH", `account/devices/${String(mine?.["id"])}`, claim);
    const [after] = await itemsOf(await person.call("GET", "account/devices"));
    assert.deepEqual(
      [after?.["level"], after?.["managedBy"], after?.["attestation"]],
      [1, null, "none"],
    );
  });

  test("of another person are neither shown, named, forgotten nor lost", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signedInPerson(identity, nurse);
    const [theirs] = await itemsOf(await other.call("GET", "account/devices"));
    const tail = `account/devices/${String(theirs?.["id"])}`;
    assert.equal((await person.call("PATCH", tail, { name: "mine" })).status, 404);
    assert.equal((await person.call("DELETE", tail)).status, 404);
    assert.equal((await person.call("POST", `${tail}/lost`)).status, 404);
    assert.equal((await other.call("GET", "me")).status, 200);
  });

  test("once forgotten are signed out and shown no more, until they are used again", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const other = await signInAgain(identity, person.account, person.authenticator);
    const items = await itemsOf(await person.call("GET", "account/devices"));
    const theirs = items.find(({ isThis }) => isThis === false);
    assert.equal(
      (await person.call("DELETE", `account/devices/${String(theirs?.["id"])}`)).status,
      200,
    );
    assert.equal((await other.call("GET", "me")).status, 401);
    assert.equal((await other.app.refresh(other.tokens.refresh)).status, 400);
    assert.equal((await itemsOf(await person.call("GET", "account/devices"))).length, 1);
  });

  test("that are kiosks are lost by those alone who keep everybody's devices", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const admin = await signedInPerson(identity, { ...nurse, roles: ["administrator"] });
    const [mine] = await itemsOf(await person.call("GET", "account/devices"));
    const tail = `devices/${String(mine?.["id"])}/lost`;
    await identity.db.query("UPDATE identity.device SET kind = 'kiosk' WHERE id = $1", [
      mine?.["id"],
    ]);
    assert.equal((await person.call("POST", `account/${tail}`)).status, 404);
    assert.equal((await person.call("GET", "me")).status, 200);
    assert.equal((await admin.call("POST", `admin/${tail}`)).status, 200);
    assert.equal((await person.call("GET", "me")).status, 401);
  });

  test("are lost only by somebody who proved herself just now", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [mine] = await itemsOf(await person.call("GET", "account/devices"));
    await letSignInAge(identity);
    const refused = await person.call("POST", `account/devices/${String(mine?.["id"])}/lost`);
    assert.equal(refused.status, 403);
    assert.equal(await codeOfProblem(refused), "step-up-needed");
    assert.equal((await person.call("GET", "me")).status, 200);
  });
});
