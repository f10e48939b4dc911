import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { identityLimits } from "#identity/limits.ts";
import { readJson } from "#identity/testing-app.ts";
import { codeOfProblem, itemsOf, signedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const wish = {
  kind: "public",
  name: "Growth chart",
  redirectUris: ["https://app.example/back"],
  scopes: ["openid", "patient/*.rs"],
};

const admin = { displayName: "Ada", roles: ["administrator"], externalId: "ada" };

suite("an administrator", () => {
  test("registers, approves and revokes apps, and each stands in the log under her name", async (t) => {
    const identity = await testIdentity(t);
    const ada = await signedInPerson(identity, admin);
    const made = await readJson(await ada.call("POST", "admin/apps", wish));
    const id = String(made["id"]);
    assert.deepEqual([made["status"], made["registeredBy"]], ["pending", ada.account]);
    const approved = await readJson(await ada.call("POST", `admin/apps/${id}/approve`, {}));
    assert.deepEqual([approved["status"], approved["decidedBy"]], ["approved", ada.account]);
    const [listed] = await itemsOf(await ada.call("GET", "admin/apps"));
    assert.equal(listed?.["id"], id);
    const revoked = await readJson(await ada.call("POST", `admin/apps/${id}/revoke`, {}));
    assert.equal(revoked["status"], "revoked");
    assert.equal(
      await codeOfProblem(await ada.call("POST", `admin/apps/${id}/approve`, {})),
      "edit-conflict",
    );
    const told = identity.log.entries.filter(({ client }) => client === id);
    assert.deepEqual(
      told.map(({ actor, reasons }) => [actor, ...reasons]),
      ["register", "approve", "revoke"].map((done) => [ada.account, `app-${done}`]),
    );
  });

  test("is the only one who may", async (t) => {
    const identity = await testIdentity(t);
    const nurse = await signedInPerson(identity, {
      displayName: "Nia",
      roles: ["clinician"],
      externalId: "nia",
    });
    assert.equal((await nurse.call("GET", "admin/apps")).status, 403);
    assert.equal((await nurse.call("POST", "admin/apps", wish)).status, 403);
    const told = identity.log.entries.filter(({ action }) => action === "app-change");
    assert.deepEqual(
      told.map(({ decision, reasons }) => [decision, reasons]),
      [["deny", ["forbidden"]]],
    );
    const [none] = await identity.db.query("SELECT 1 AS one FROM identity.client");
    assert.equal(none, undefined);
  });

  test("must have proven herself lately", async (t) => {
    const identity = await testIdentity(t);
    const ada = await signedInPerson(identity, admin);
    await identity.db.query(
      "UPDATE identity.session SET signed_in_at = signed_in_at - $1 * interval '1 millisecond'",
      [identityLimits.freshSignInMs + 60_000],
    );
    const refused = await ada.call("POST", "admin/apps", wish);
    assert.equal(await codeOfProblem(refused), "step-up-needed");
  });
});
