import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createApp, readJson } from "#identity/testing-app.ts";
import { byPasskey, enrol, postJson } from "#identity/testing-passkeys.ts";
import { ana, byPassword, codeOf, nurse } from "#identity/testing-people.ts";
import {
  api,
  codeOfProblem,
  itemsOf,
  letSignInAge,
  signedInPerson,
  signInAgain,
  type SignedInPerson,
} from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const noCode = "AAAA-BBBB-CCCC-DDDD";

async function codesOf(person: SignedInPerson): Promise<readonly string[]> {
  const { codes } = await readJson(await person.call("POST", "account/recovery-codes", {}));
  assert.ok(Array.isArray(codes));
  return codes.map(String);
}

const begin = (identity: TestIdentity, code: string): Promise<Response> =>
  postJson(identity, api("recovery/begin"), { code });
const step = (identity: TestIdentity, name: "status" | "finish", recovery: unknown) =>
  postJson(identity, api(`recovery/${name}`), { recovery });

/** As though the waiting time had gone by. */
const letWaitEnd = (identity: TestIdentity) =>
  identity.db.query("UPDATE identity.recovery SET ready_at = begun_at");

async function begun(identity: TestIdentity) {
  const person = await signedInPerson(identity, ana);
  const [code = ""] = await codesOf(person);
  const { recovery } = await readJson(await begin(identity, code));
  return { person, code, recovery };
}

const linkTokenOf = async (response: Response): Promise<string> =>
  String((await readJson(response))["enrolPath"]).slice("/enrol#token=".length);

suite("recovery codes", () => {
  test("are ten, shown once, and counted", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const codes = await codesOf(person);
    assert.equal(new Set(codes).size, 10);
    for (const code of codes)
      assert.match(code, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    const told = await person.call("GET", "account/recovery-codes");
    assert.equal(await told.text(), '{"left":10}');
    const stored = await identity.db.query("SELECT * FROM identity.recovery_code");
    assert.equal(stored.length, 10);
    assert.doesNotMatch(JSON.stringify(stored), new RegExp(codes[0] ?? "none"));
  });

  test("are made only by who signed in just now, and make older ones void", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [old = ""] = await codesOf(person);
    await codesOf(person);
    const { recovery } = await readJson(await begin(identity, old));
    await letWaitEnd(identity);
    const refused = await step(identity, "finish", recovery);
    assert.equal(await codeOfProblem(refused), "recovery-refused");
    await letSignInAge(identity);
    const late = await person.call("POST", "account/recovery-codes", {});
    assert.equal(await codeOfProblem(late), "step-up-needed");
  });

  test("stand in for the code of a lost phone, each once, and the person is told", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [code = ""] = await codesOf(person);
    const tryCode = async (self: { login: string; password: string }) => {
      const app = createApp(identity);
      return (await byPassword({ ...self, code })(app.browser, await app.open())).status;
    };
    assert.equal(await tryCode({ ...ana, password: "wrong password, long enough" }), 401);
    assert.equal(await tryCode(ana), 200);
    assert.equal(await tryCode(ana), 401);
    assert.deepEqual(await readJson(await person.call("GET", "account/recovery-codes")), {
      left: 9,
    });
    const kinds = (await itemsOf(await person.call("GET", "account/notices"))).map(
      ({ kind }) => kind,
    );
    assert.ok(kinds.includes("recovery-code-used"));
  });

  test("of one person do not open another's account", async (t) => {
    const identity = await testIdentity(t);
    const [code = ""] = await codesOf(await signedInPerson(identity, nurse));
    await signedInPerson(identity, ana);
    const app = createApp(identity);
    const response = await byPassword({ ...ana, code })(app.browser, await app.open());
    assert.equal(response.status, 401);
  });
});

suite("recovering an account", () => {
  test("leads after its waiting time to a new passkey, and ends all else", async (t) => {
    const identity = await testIdentity(t);
    const { person, recovery } = await begun(identity);
    assert.equal(await codeOfProblem(await step(identity, "finish", recovery)), "recovery-waiting");
    await letWaitEnd(identity);
    const status = await readJson(await step(identity, "status", recovery));
    assert.equal(status["state"], "ready");
    const token = await linkTokenOf(await step(identity, "finish", recovery));
    // Until the new passkey stands nothing is taken away.
    assert.equal((await person.call("GET", "me")).status, 200);
    const fresh = await enrol(identity, token);
    assert.equal((await person.call("GET", "me")).status, 401);
    assert.equal((await person.app.refresh(person.tokens.refresh)).status, 400);
    assert.equal((await person.app.silently()).get("error"), "login_required");
    for (const lost of [
      byPasskey(person.authenticator),
      byPassword({ ...ana, code: codeOf(ana.totpSeed) }),
    ]) {
      const app = createApp(identity);
      assert.equal((await lost(app.browser, await app.open())).status, 401);
    }
    const again = await signInAgain(identity, person.account, fresh);
    const kinds = (await itemsOf(await again.call("GET", "account/notices"))).map(
      ({ kind }) => kind,
    );
    assert.deepEqual(kinds.slice(0, 2), ["recovery-finished", "recovery-begun"]);
    assert.deepEqual(await readJson(await again.call("GET", "account/recovery-codes")), {
      left: 0,
    });
  });

  test("takes three days unless the operator set another time", async (t) => {
    const identity = await testIdentity(t);
    const { recovery } = await begun(identity);
    const { readyAt } = await readJson(await step(identity, "status", recovery));
    const hours = (Date.parse(String(readyAt)) - Date.now()) / 3_600_000;
    assert.ok(hours > 71.9 && hours <= 72);
    const hasty = await testIdentity(t, { recoveryWaits: { codeMs: 1_000, staffMs: 0 } });
    assert.match(hasty.faults.join(), /recovery-wait-short/);
  });

  test("is called off from any signed-in device, in time and after its time", async (t) => {
    const identity = await testIdentity(t);
    const { person, recovery } = await begun(identity);
    await letSignInAge(identity);
    const [open] = await itemsOf(await person.call("GET", "account/recovery"));
    assert.equal(open?.["way"], "code");
    await letWaitEnd(identity);
    const token = await linkTokenOf(await step(identity, "finish", recovery));
    const path = `account/recovery/${String(open?.["id"])}`;
    assert.equal((await person.call("DELETE", path)).status, 200);
    assert.equal((await person.call("DELETE", path)).status, 404);
    await assert.rejects(enrol(identity, token));
    assert.equal(await codeOfProblem(await step(identity, "finish", recovery)), "recovery-refused");
    assert.equal((await person.call("GET", "me")).status, 200);
    assert.deepEqual(await itemsOf(await person.call("GET", "account/recovery")), []);
    const entry = identity.log.entries.find(({ signal }) => signal === "recovery-disowned");
    assert.equal(entry?.actor, person.account);
  });

  test("closes every other way in that somebody may have prepared", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [hers = "", stolen = ""] = await codesOf(person);
    const thief = await readJson(await begin(identity, stolen));
    const { recovery } = await readJson(await begin(identity, hers));
    const { enrolPath } = await readJson(
      await identity.operate("/internal/enrolment-links", { account: person.account }),
    );
    await letWaitEnd(identity);
    const early = await linkTokenOf(await step(identity, "finish", thief["recovery"]));
    await enrol(identity, await linkTokenOf(await step(identity, "finish", recovery)));
    await assert.rejects(enrol(identity, early));
    await assert.rejects(enrol(identity, String(enrolPath).slice("/enrol#token=".length)));
    const again = await step(identity, "finish", thief["recovery"]);
    assert.equal(await codeOfProblem(again), "recovery-refused");
    const passkeys = await identity.db.query("SELECT 1 AS one FROM identity.passkey");
    assert.equal(passkeys.length, 1);
  });

  test("that is not there is called off without an alarm", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const path = `account/recovery/${person.account}`;
    assert.equal((await person.call("DELETE", path)).status, 404);
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(
      [entry?.decision, entry?.signal, entry?.reasons],
      ["deny", null, ["recovery-cancelled", "not-found"]],
    );
  });

  test("of another person is not to be called off", async (t) => {
    const identity = await testIdentity(t);
    const { person } = await begun(identity);
    const other = await signedInPerson(identity, nurse);
    const [open] = await itemsOf(await person.call("GET", "account/recovery"));
    const response = await other.call("DELETE", `account/recovery/${String(open?.["id"])}`);
    assert.equal(response.status, 404);
    assert.equal((await itemsOf(await person.call("GET", "account/recovery"))).length, 1);
  });

  test("takes a code once, and one that was not used at sign-in", async (t) => {
    const identity = await testIdentity(t);
    const { code } = await begun(identity);
    const { recovery } = await readJson(await begin(identity, code));
    await letWaitEnd(identity);
    assert.equal(await codeOfProblem(await step(identity, "finish", recovery)), "recovery-refused");
  });

  test("ends once: its link works for one passkey, and no other link follows", async (t) => {
    const identity = await testIdentity(t);
    const { recovery } = await begun(identity);
    await letWaitEnd(identity);
    const first = await linkTokenOf(await step(identity, "finish", recovery));
    const second = await linkTokenOf(await step(identity, "finish", recovery));
    await assert.rejects(enrol(identity, first));
    await enrol(identity, second);
    assert.equal(await codeOfProblem(await step(identity, "finish", recovery)), "recovery-refused");
  });

  test("tells once the wait is over that it leads nowhere, and not before", async (t) => {
    const identity = await testIdentity(t);
    const { code, recovery: finished } = await begun(identity);
    const { recovery: nobodys } = await readJson(await begin(identity, code));
    assert.equal((await step(identity, "status", nobodys)).status, 200);
    await letWaitEnd(identity);
    assert.equal((await step(identity, "status", finished)).status, 200);
    await enrol(identity, await linkTokenOf(await step(identity, "finish", finished)));
    for (const vain of [nobodys, finished])
      assert.equal(await codeOfProblem(await step(identity, "status", vain)), "recovery-refused");
    const other = await begun(identity);
    const [open] = await itemsOf(await other.person.call("GET", "account/recovery"));
    await other.person.call("DELETE", `account/recovery/${String(open?.["id"])}`);
    assert.equal((await step(identity, "status", other.recovery)).status, 200);
    await letWaitEnd(identity);
    const calledOff = await step(identity, "status", other.recovery);
    assert.equal(await codeOfProblem(calledOff), "recovery-refused");
  });

  test("is over a week after its waiting time", async (t) => {
    const identity = await testIdentity(t);
    const { recovery } = await begun(identity);
    await identity.db.query(
      "UPDATE identity.recovery SET ready_at = begun_at, expires_at = begun_at",
    );
    for (const name of ["status", "finish"] as const)
      assert.equal(await codeOfProblem(await step(identity, name, recovery)), "recovery-refused");
  });

  test("is not had with a token of another form or of nobody", async (t) => {
    const identity = await testIdentity(t);
    for (const token of ["", "x", "x".repeat(43), 7, null, ["x"]])
      for (const name of ["status", "finish"] as const)
        assert.equal(await codeOfProblem(await step(identity, name, token)), "recovery-refused");
  });
});

suite("who guesses at recovery", () => {
  const shapeOf = async (response: Response) => {
    const { recovery, readyAt, ...body } = await readJson(response);
    return {
      status: response.status,
      headers: [...response.headers.keys()],
      token: String(recovery).length,
      time: String(readyAt).length,
      body,
    };
  };

  test("learns from no answer whether a code was anybody's, until the waiting time is over", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [code = ""] = await codesOf(person);
    const asked = [
      await begin(identity, code),
      await begin(identity, noCode),
      await begin(identity, "?"),
    ];
    const copies = asked.map((response) => response.clone());
    const shapes = [];
    for (const response of asked) shapes.push(await shapeOf(response));
    assert.deepEqual(shapes[1], shapes[0]);
    assert.deepEqual(shapes[2], shapes[0]);
    for (const copy of copies) {
      const { recovery } = await readJson(copy);
      assert.equal((await step(identity, "status", recovery)).status, 200);
      const early = await step(identity, "finish", recovery);
      assert.equal(await codeOfProblem(early), "recovery-waiting");
    }
  });

  test("is answered by the same work: as many statements for nobody's code as for a person's", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [code = ""] = await codesOf(person);
    const workOf = async (given: string): Promise<number> => {
      const before = identity.log.entries.length;
      await begin(identity, given);
      const rows = await identity.db.query("SELECT id FROM identity.recovery");
      return rows.length * 100 + identity.log.entries.length - before;
    };
    const hers = await workOf(code);
    assert.equal((await workOf(noCode)) - hers, 100);
  });

  test("is made to wait, and one address does not hold up another", async (t) => {
    const identity = await testIdentity(t);
    const codes = Array.from({ length: 11 }, () => noCode);
    const statuses = [];
    for (const code of codes) statuses.push((await begin(identity, code)).status);
    const waiting = await begin(identity, noCode);
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(waiting.status, 429);
    assert.ok(Number(waiting.headers.get("retry-after")) >= 1);
    const elsewhere = await testIdentity(t, {
      address: "198.51.100.4",
      restart: { database: identity.database, key: identity.key },
    });
    assert.equal((await begin(elsewhere, noCode)).status, 200);
  });

  test("gets nothing while the log cannot be written", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const [code = ""] = await codesOf(person);
    identity.log.isDown = true;
    assert.equal((await begin(identity, code)).status, 503);
  });
});

suite("recovery through the staff", () => {
  const proofing = { level: "IAL2", evidence: "passport, seen at the desk" };

  test("needs an administrator who signed in just now, and who it is recorded of", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const admin = await signedInPerson(identity, { ...nurse, roles: ["administrator"] });
    const path = `admin/people/${person.account}/recovery`;
    const made = await readJson(await admin.call("POST", path, proofing));
    const entry = identity.log.entries.find(({ reasons }) => reasons[0] === "recovery-by-staff");
    assert.deepEqual([entry?.actor, entry?.resourceId], [admin.account, person.account]);
    const [row] = await identity.db.query<{ proofed_by: string; proofing_sealed: Buffer }>(
      "SELECT proofed_by, proofing_sealed FROM identity.recovery",
    );
    assert.equal(row?.proofed_by, admin.account);
    assert.ok(row && !row.proofing_sealed.includes("passport"));
    const recovery = String(made["recoveryPath"]).slice("/recovery#token=".length);
    assert.equal(await codeOfProblem(await step(identity, "finish", recovery)), "recovery-waiting");
    const [told] = await itemsOf(await person.call("GET", "account/recovery"));
    assert.equal(told?.["way"], "staff");
    await letWaitEnd(identity);
    await enrol(identity, await linkTokenOf(await step(identity, "finish", recovery)));
    assert.equal((await person.call("GET", "me")).status, 401);
  });

  test("is refused to everybody else, for oneself, and without proof", async (t) => {
    const identity = await testIdentity(t);
    const person = await signedInPerson(identity, ana);
    const admin = await signedInPerson(identity, { ...nurse, roles: ["administrator"] });
    const path = `admin/people/${person.account}/recovery`;
    const own = `admin/people/${admin.account}/recovery`;
    assert.equal((await person.call("POST", path, proofing)).status, 403);
    const denied = identity.log.entries.at(-1);
    assert.deepEqual([denied?.decision, denied?.signal], ["deny", null], "no alarm by a stranger");
    assert.ok(identity.log.entries.every(({ signal }) => signal === null));
    assert.equal((await admin.call("POST", own, proofing)).status, 403);
    for (const wrong of [{}, { level: "IAL9", evidence: "x" }, { level: "IAL2" }])
      assert.equal((await admin.call("POST", path, wrong)).status, 400);
    await letSignInAge(identity);
    assert.equal(await codeOfProblem(await admin.call("POST", path, proofing)), "step-up-needed");
  });
});

suite("letters", () => {
  test("are handed to the operator once each, with the person's name", async (t) => {
    const identity = await testIdentity(t);
    const { person } = await begun(identity);
    const items = await itemsOf(await identity.operate("/internal/letters", {}));
    const ofBegun = items.find(({ kind }) => kind === "recovery-begun");
    assert.deepEqual(
      [ofBegun?.["account"], ofBegun?.["displayName"]],
      [person.account, ana.displayName],
    );
    assert.deepEqual(await itemsOf(await identity.operate("/internal/letters", {})), []);
    assert.equal((await postJson(identity, "/internal/letters", {})).status, 403);
  });
});
