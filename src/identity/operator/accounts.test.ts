import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { systemRandom } from "#core/random.ts";
import { readJson } from "#identity/testing-app.ts";
import { ana, makeAccount, nurse } from "#identity/testing-people.ts";
import { testIdentity } from "#identity/testing.ts";

suite("making accounts", () => {
  test("gives the account and a link whose token is in the fragment", async (t) => {
    const identity = await testIdentity(t);
    const response = await identity.operate("/internal/accounts", ana);
    assert.equal(response.status, 200);
    const made = await readJson(response);
    assert.match(String(made["account"]), /^[0-9a-f-]{36}$/);
    assert.match(String(made["enrolPath"]), /^\/enrol#token=[A-Za-z0-9_-]{43}$/);
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.action, entry?.actor, entry?.resourceId],
      ["enrol", "process:operator", made["account"]],
    );
  });

  test("asked twice for one external id makes one account, also at once", async (t) => {
    const identity = await testIdentity(t);
    const made = await Promise.all([1, 2, 3].map(() => makeAccount(identity, ana)));
    const again = await makeAccount(identity, { ...ana, displayName: "Somebody Else" });
    assert.equal(new Set([...made, again].map(({ account }) => account)).size, 1);
    assert.equal((await identity.db.query("SELECT id FROM identity.account")).length, 1);
  });

  test("without an external id makes a new account each time", async (t) => {
    const identity = await testIdentity(t);
    const person = { displayName: "Bo", roles: ["patient"], patients: ["p"] };
    const made = await Promise.all([1, 2].map(() => makeAccount(identity, person)));
    assert.notEqual(made[0]?.account, made[1]?.account);
  });

  test("refuses a user name that another account has", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const response = await identity.operate("/internal/accounts", { ...nurse, login: "ANA.lima" });
    assert.equal(response.status, 409);
    assert.equal((await identity.db.query("SELECT id FROM identity.account")).length, 1);
  });

  test("names the field that cannot be used", async (t) => {
    const identity = await testIdentity(t);
    const wrongs: readonly (readonly [string, unknown])[] = [
      ["displayName", ""],
      ["displayName", "x".repeat(201)],
      ["roles", []],
      ["roles", ["king"]],
      ["roles", ["service"]],
      ["roles", ["patient", "kiosk"]],
      ["roles", "patient"],
      ["patients", ["not an id!"]],
      ["patients", [7]],
      ["patients", Array.from({ length: 51 }, (_, index) => `p${index}`)],
      ["practitioner", "not an id!"],
      ["practitioner", 7],
      ["externalId", ""],
      ["login", ""],
      ["password", "short"],
      ["password", undefined],
      ["totpSeed", "not base32!"],
      ["totpSeed", "JBSWY3DPEHPK3PXP"],
    ];
    for (const [field, value] of wrongs) {
      const response = await identity.operate("/internal/accounts", { ...ana, [field]: value });
      assert.equal(response.status, 400, field);
      assert.equal((await readJson(response))["at"], field);
    }
    assert.equal((await identity.db.query("SELECT id FROM identity.account")).length, 0);
  });

  test("keeps no name, user name, seed or password readable in the database", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const tables = ["account", "password", "totp", "enrolment", "secret"];
    for (const table of tables) {
      const rows = await identity.db.query<Record<string, unknown>>(
        `SELECT * FROM identity.${table}`,
      );
      const bytes = rows
        .flatMap((row) => Object.values(row))
        .map((value) => (Buffer.isBuffer(value) ? value.toString("latin1") : JSON.stringify(value)))
        .join("\n");
      assert.doesNotMatch(bytes, /Ana|Lima|ana\.lima|demo:ana|JBSWY3DP|correct horse/i, table);
    }
  });

  test("is asked of operators alone, and they may ask nothing else", async (t) => {
    const identity = await testIdentity(t);
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ana),
    };
    for (const role of ["gateway", "records", "keys", "nobody"])
      assert.equal((await identity.send("/internal/accounts", init, role)).status, 403, role);
    assert.equal((await identity.send("/oauth/jwks", {}, "operator")).status, 403);
  });
});

suite("making links", () => {
  test("is refused for an account that does not exist or is closed", async (t) => {
    const identity = await testIdentity(t);
    const { account } = await makeAccount(identity, ana);
    const link = (body: unknown) => identity.operate("/internal/enrolment-links", body);
    assert.equal((await link({ account })).status, 200);
    for (const wrong of [{}, { account: "nobody" }, { account: systemRandom.uuid() }])
      assert.equal((await link(wrong)).status, 404);
    await identity.db.query("UPDATE identity.account SET status = 'closed'");
    assert.equal((await link({ account })).status, 404);
  });

  test("answers no link whose entry is not in the log", async (t) => {
    const identity = await testIdentity(t);
    identity.log.isDown = true;
    const response = await identity.operate("/internal/accounts", ana);
    assert.equal(response.status, 503);
    assert.doesNotMatch(await response.text(), /token=/);
  });
});
