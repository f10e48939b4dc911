import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { administrator, done, redeem, tokenOf } from "#identity/people/testing.ts";
import { byPasskey, enrol, enrolBegin } from "#identity/testing-passkeys.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import { createApp, readJson } from "#identity/testing-app.ts";
import {
  codeOfProblem,
  itemsOf,
  letSignInAge,
  signInAgain,
  signedInPerson,
} from "#identity/testing-signed-in.ts";
import { testIdentity } from "#identity/testing.ts";

const dana = {
  displayName: "Dana Ünal Weiß",
  roles: ["clinician"],
  departments: ["Cardiology"],
  practitioner: "prac-dana",
  birthDate: "1985-04-12",
};

suite("administering people", () => {
  test("is for administrators who signed in lately, and each deed is in the log", async (t) => {
    const identity = await testIdentity(t);
    const nia = await signedInPerson(identity, nurse);
    for (const [method, tail, body] of [
      ["POST", "admin/people/search", { name: "" }],
      ["POST", "admin/people", dana],
      ["GET", `admin/people/${nia.account}`, undefined],
      ["PATCH", `admin/people/${nia.account}`, { roles: ["administrator"] }],
      ["POST", `admin/people/${nia.account}/leave`, {}],
    ] as const)
      assert.equal(await codeOfProblem(await nia.call(method, tail, body)), "forbidden", tail);
    const denied = identity.log.entries.at(-1);
    assert.deepEqual(
      [denied?.action, denied?.decision, denied?.reasons],
      ["administer", "deny", ["forbidden"]],
    );

    const admin = await administrator(identity);
    const made = await done(admin.call("POST", "admin/people", dana));
    const told = identity.log.entries.slice(-2);
    assert.deepEqual(
      told.map(({ actor, reasons, resourceId }) => [actor, reasons, resourceId]),
      [
        [admin.account, ["person-invited"], null],
        [admin.account, ["person-made"], made["id"]],
      ],
    );
    await letSignInAge(identity);
    const stale = await admin.call("POST", "admin/people", dana);
    assert.equal(await codeOfProblem(stale), "step-up-needed");
    assert.equal((await identity.db.query("SELECT id FROM identity.account")).length, 3);
  });

  test("makes an account with departments, which is found by the beginnings of its name", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const made = await done(admin.call("POST", "admin/people", dana));
    const found = async (name: string) =>
      (await itemsOf(await admin.call("POST", "admin/people/search", { name }))).map(
        ({ id }) => id,
      );
    for (const name of ["dana", "UNAL", "wei", "we dan", "dana ünal", "Danā"])
      assert.deepEqual(await found(name), name === "we dan" ? [] : [made["id"]], name);
    for (const name of ["danab", "ana", "dana lima"]) assert.deepEqual(await found(name), [], name);
    assert.deepEqual(await found(""), [made["id"], admin.account]);
    const person = await done(admin.call("GET", `admin/people/${String(made["id"])}`));
    assert.deepEqual(
      [
        person["departments"],
        person["roles"],
        person["status"],
        person["assurance"],
        person["practitioner"],
      ],
      [["Cardiology"], ["clinician"], "active", "none", "prac-dana"],
    );
    const stored = JSON.stringify(await identity.db.query("SELECT * FROM identity.account"));
    assert.doesNotMatch(stored, /Dana|1985/);
  });

  test("names the field that cannot be used, and makes nothing", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    for (const [field, wrong] of [
      ["kind", "ghost"],
      ["roles", ["service"]],
      ["roles", []],
      ["departments", [""]],
      ["birthDate", "1985-02-30"],
      ["patients", ["pat-1"]],
    ] as const) {
      const answer = await admin.call("POST", "admin/people", { ...dana, [field]: wrong });
      assert.equal(answer.status, 400, field);
      assert.equal((await readJson(answer))["at"], field);
    }
    assert.equal((await identity.db.query("SELECT id FROM identity.account")).length, 1);
  });

  test("changes name, roles, departments and how surely somebody was proven; the rest stays", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const nia = await signedInPerson(identity, nurse);
    const path = `admin/people/${nia.account}`;
    const evidence = "Passport, seen in person";
    const changed = await done(admin.call("PATCH", path, { assurance: "IAL2", evidence }));
    assert.deepEqual([changed["assurance"], changed["displayName"]], ["IAL2", nurse.displayName]);
    assert.equal((await nia.call("GET", "me")).status, 200);
    await done(admin.call("PATCH", path, { roles: ["clinician", "privacy-officer"] }));
    assert.equal(await codeOfProblem(await nia.call("GET", "me")), "session-ended");
    const [row] = await identity.db.query<{ proofing: Buffer }>(
      "SELECT proofing_sealed AS proofing FROM identity.account WHERE id = $1",
      [nia.account],
    );
    assert.ok(row !== undefined && !row.proofing.includes("Passport"));
    for (const wrong of [{ assurance: "IAL2" }, { assurance: "IAL9", evidence }, { suspended: 1 }])
      assert.equal((await admin.call("PATCH", path, wrong)).status, 400);
  });

  test("suspends at once and gives back; nobody does it to herself", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const nia = await signedInPerson(identity, nurse);
    const path = `admin/people/${nia.account}`;
    const suspended = await done(admin.call("PATCH", path, { suspended: true }));
    assert.equal(suspended["status"], "suspended");
    assert.equal(await codeOfProblem(await nia.call("GET", "me")), "session-ended");
    assert.notEqual((await nia.app.refresh(nia.tokens.refresh)).status, 200);
    await assert.rejects(createApp(identity).signIn(byPasskey(nia.authenticator)));
    await done(admin.call("PATCH", path, { suspended: false }));
    assert.equal(await codeOfProblem(await nia.call("GET", "me")), "session-ended");
    await signInAgain(identity, nia.account, nia.authenticator);
    const own = `admin/people/${admin.account}`;
    const guardian = { patient: "pat-1", basis: "representative", evidence: "my word" };
    for (const [method, tail, body] of [
      ["PATCH", own, { suspended: true }],
      ["PATCH", own, { assurance: "IAL3", evidence: "my word" }],
      ["POST", `${own}/grants`, guardian],
    ] as const)
      assert.equal(await codeOfProblem(await admin.call(method, tail, body)), "forbidden", tail);
    assert.deepEqual((await done(admin.call("GET", "me")))["actsFor"], []);
  });

  test("gives no second way into an account in use: that is recovery's, with its wait", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const nia = await signedInPerson(identity, nurse);
    const path = `admin/people/${nia.account}/invitation`;
    for (const body of [{}, { birthDate: "1990-01-02" }])
      assert.equal(await codeOfProblem(await admin.call("POST", path, body)), "enrolled-already");
    const shown = await done(admin.call("GET", `admin/people/${nia.account}`));
    assert.equal(shown["isEnrolled"], true);
    const links = await identity.db.query("SELECT 1 FROM identity.enrolment WHERE used_at IS NULL");
    assert.equal(links.length, 0);
  });

  test("lets nothing of one who left work any more, and keeps what was recorded", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const nia = await signedInPerson(identity, nurse);
    const path = `admin/people/${nia.account}`;
    // As if she had been invited and not come yet.
    const keys = identity.db.query("DELETE FROM identity.passkey WHERE account = $1", [
      nia.account,
    ]);
    const words = identity.db.query("DELETE FROM identity.password");
    await Promise.all([keys, words]);
    const again = await done(admin.call("POST", `${path}/invitation`, { birthDate: "1990-01-02" }));
    await done(admin.call("POST", `${path}/leave`, {}));
    assert.equal(await codeOfProblem(await nia.call("GET", "me")), "session-ended");
    assert.notEqual((await nia.app.refresh(nia.tokens.refresh)).status, 200);
    await assert.rejects(createApp(identity).signIn(byPasskey(nia.authenticator)));
    assert.equal((await enrolBegin(identity, tokenOf(again["enrolPath"]))).status, 410);
    assert.equal((await redeem(identity, again["paperCode"], "1990-01-02")).status, 410);
    for (const table of ["passkey", "password", "totp"]) {
      const left = await identity.db.query(`SELECT 1 FROM identity.${table} WHERE account = $1`, [
        nia.account,
      ]);
      assert.equal(left.length, 0, table);
    }
    const devices = await identity.db.query(
      "SELECT level FROM identity.device WHERE account = $1",
      [nia.account],
    );
    assert.deepEqual(devices, [{ level: 0 }]);
    assert.equal((await done(admin.call("GET", path)))["status"], "left");
    for (const [method, tail, body] of [
      ["PATCH", path, { suspended: false }],
      ["POST", `${path}/invitation`, {}],
      ["POST", `${path}/leave`, {}],
    ] as const)
      assert.equal((await admin.call(method, tail, body)).status, 404);
    assert.equal((await admin.call("POST", `admin/people/${admin.account}/leave`, {})).status, 403);
  });
});

suite("an account in an envelope", () => {
  const spare = { displayName: "Emergency access", roles: ["administrator"], kind: "break-glass" };

  test("is of no use until its code is typed, then for four hours, with an alarm in the log", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const made = await done(admin.call("POST", "admin/people", spare));
    assert.equal(made["enrolPath"], null);
    const path = `admin/people/${String(made["id"])}`;
    assert.equal((await admin.call("POST", `${path}/invitation`, {})).status, 404);
    assert.equal((await admin.call("PATCH", path, { suspended: false })).status, 404);
    const opened = await done(redeem(identity, made["paperCode"]));
    const alarm = identity.log.entries.at(-1);
    assert.deepEqual([alarm?.signal, alarm?.reasons], ["break-glass", ["envelope-opened"]]);
    const key = await enrol(identity, tokenOf(opened["enrolPath"]));
    const user = await signInAgain(identity, String(made["id"]), key);
    await done(user.call("POST", "admin/people/search", {}));
    assert.equal((await done(admin.call("GET", path)))["status"], "opened");
    assert.equal((await redeem(identity, made["paperCode"])).status, 410);
    await identity.db.query(
      "UPDATE identity.account SET opened_until = now() WHERE kind = 'break-glass'",
    );
    assert.equal(await codeOfProblem(await user.call("GET", "me")), "session-ended");
    const [row] = await identity.database
      .as("phylax_records")
      .query("SELECT ended FROM identity.live WHERE account_id = $1", [made["id"]]);
    assert.deepEqual(row, { ended: true });
    assert.equal((await done(admin.call("GET", path)))["status"], "to-be-sealed");
  });

  test("is sealed again with a new code, and nothing of its use stays good", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const made = await done(admin.call("POST", "admin/people", spare));
    const opened = await done(redeem(identity, made["paperCode"]));
    const key = await enrol(identity, tokenOf(opened["enrolPath"]));
    const user = await signInAgain(identity, String(made["id"]), key);
    const path = `admin/people/${String(made["id"])}/seal`;
    assert.equal(await codeOfProblem(await user.call("POST", path, {})), "forbidden");
    const sealed = await done(admin.call("POST", path, {}));
    assert.notEqual(sealed["paperCode"], made["paperCode"]);
    assert.equal(await codeOfProblem(await user.call("GET", "me")), "session-ended");
    await assert.rejects(createApp(identity).signIn(byPasskey(key)));
    assert.equal((await redeem(identity, made["paperCode"])).status, 410);
    await done(redeem(identity, sealed["paperCode"]));
    assert.equal((await admin.call("POST", `admin/people/${admin.account}/seal`, {})).status, 403);
  });

  test("is never a patient's, nor can a person's own be put into one", async (t) => {
    const identity = await testIdentity(t);
    const admin = await administrator(identity);
    const wrong = await admin.call("POST", "admin/people", { ...spare, roles: ["patient"] });
    assert.equal((await readJson(wrong))["at"], "roles");
    const her = await signedInPerson(identity, ana);
    assert.equal((await admin.call("POST", `admin/people/${her.account}/seal`, {})).status, 404);
    assert.equal((await her.call("GET", "me")).status, 200);
  });
});
