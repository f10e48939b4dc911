import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { administrator, done, redeem } from "#identity/people/testing.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import {
  codeOfProblem,
  itemsOf,
  signedInPerson,
  signInAgain,
} from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const at = (action: string): string => `/internal/people/${action}`;

suite("an operator's commands about people", () => {
  test("find people by name and show one by the id of the operator's own system", async (t) => {
    const identity = await testIdentity(t);
    await signedInPerson(identity, ana);
    const nia = await signedInPerson(identity, nurse);
    const found = await itemsOf(await identity.operate(at("list"), { name: "cole" }));
    assert.deepEqual(
      found.map(({ displayName }) => displayName),
      ["Nia Cole"],
    );
    for (const person of [nurse.externalId, nia.account]) {
      const shown = await done(identity.operate(at("show"), { person }));
      assert.deepEqual([shown["id"], shown["roles"]], [nia.account, ["clinician"]]);
    }
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.action, entry?.actor, entry?.resourceId, entry?.reasons],
      ["administer", "process:operator", nia.account, ["person-shown"]],
    );
    for (const person of ["nobody", 7, undefined])
      assert.equal((await identity.operate(at("show"), { person })).status, 404);
    assert.equal((await identity.operate(at("list"), { name: 7 })).status, 400);
  });

  test("suspend, restore and give other roles and departments, each told before it is done", async (t) => {
    const identity = await testIdentity(t);
    const nia = await signedInPerson(identity, nurse);
    const person = nurse.externalId;
    const change = (body: object) => identity.operate(at("change"), { person, ...body });
    assert.equal((await done(change({ suspended: true })))["status"], "suspended");
    assert.equal(await codeOfProblem(await nia.call("GET", "me")), "session-ended");
    assert.equal((await done(change({ suspended: false })))["status"], "active");
    const changed = await done(
      change({ roles: ["clinician", "administrator"], departments: ["Cardiology"] }),
    );
    assert.deepEqual(
      [new Set(changed["roles"] as string[]), changed["departments"]],
      [new Set(["clinician", "administrator"]), ["Cardiology"]],
    );
    await signInAgain(identity, nia.account, nia.authenticator);
    const wrong = await change({ roles: ["king"] });
    assert.equal(await codeOfProblem(wrong), "parameter-invalid");
    const told = identity.log.entries.at(-1);
    assert.deepEqual(
      [told?.decision, told?.reasons],
      ["error", ["person-changed", "parameter-invalid"]],
    );
    identity.log.isDown = true;
    assert.equal((await change({ suspended: true })).status, 503);
    identity.log.isDown = false;
    assert.equal((await done(identity.operate(at("show"), { person })))["status"], "active");
  });

  test("part with who leaves, and put an opened account into a new envelope", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const nia = await signedInPerson(identity, nurse);
    await done(identity.operate(at("leave"), { person: nurse.externalId }));
    assert.equal(await codeOfProblem(await nia.call("GET", "me")), "session-ended");
    const shown = await done(identity.operate(at("show"), { person: nia.account }));
    assert.equal(shown["status"], "left");
    assert.equal((await identity.operate(at("leave"), { person: nia.account })).status, 404);

    const wish = { displayName: "Night", roles: ["administrator"], kind: "break-glass" };
    const made = await done(admin.call("POST", "admin/people", wish));
    const sealed = await done(identity.operate(at("seal"), { person: String(made["id"]) }));
    assert.equal((await redeem(identity, made["paperCode"])).status, 410);
    await done(redeem(identity, sealed["paperCode"]));
    assert.equal((await identity.operate(at("seal"), { person: admin.account })).status, 404);
  });

  test("are not for anybody who comes through the gateway", async (t) => {
    const identity = await testIdentity(t);
    const nia = await signedInPerson(identity, nurse);
    const answer = await identity.send(at("list"), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `DPoP ${nia.tokens.access}` },
      body: "{}",
    });
    assert.equal(answer.status, 403);
  });
});
