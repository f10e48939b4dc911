import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { laterBy, systemClock, type Clock } from "#core/clock.ts";
import { limits } from "#core/limits.ts";
import { systemRandom } from "#core/random.ts";
import { identityLimits } from "#identity/limits.ts";
import { sweep } from "#identity/sweep-store.ts";
import { tellEndedLeases } from "#identity/offline/tell-ended.ts";
import { createApp, readJson, readTokens } from "#identity/testing-app.ts";
import { byPasskey } from "#identity/testing-passkeys.ts";
import { ana, asAna, makeAccount, nurse } from "#identity/testing-people.ts";
import { createSmartApp, registerApp } from "#identity/testing-smart-app.ts";
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
import { createTrail } from "#identity/trail.ts";

const leases = "account/offline-leases";

const ask = (person: SignedInPerson, patient: unknown = "pat-1"): Promise<Response> =>
  person.call("POST", `${leases}/${systemRandom.uuid()}`, { patient });

async function given(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  assert.equal(answer.status, 200, await answer.clone().text());
  return readJson(answer);
}

async function leaseOf(person: SignedInPerson): Promise<string> {
  return String((await given(await ask(person)))["id"]);
}

const renewed = (person: SignedInPerson, id: string): Promise<Response> =>
  person.call("POST", `${leases}/${id}/renew`);

/** As the device asks when nobody is signed in. */
async function hasEnded(identity: TestIdentity, lease: unknown): Promise<unknown> {
  const answer = await identity.send(api("offline-lease"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ lease }),
  });
  return answer.status === 200 ? (await readJson(answer))["ended"] : answer.status;
}

const setOwnDevice = (identity: TestIdentity, change: string): Promise<unknown> =>
  identity.db.query(`UPDATE identity.device SET ${change}`);

/** How the last lease ended, as the table has it. */
async function endOf(identity: TestIdentity, id: string): Promise<unknown> {
  const [row] = await identity.db.query<{ reason: string | null }>(
    "SELECT end_reason AS reason FROM identity.offline_lease WHERE id = $1",
    [id],
  );
  return row?.reason;
}

const tell = (identity: TestIdentity, clock: Clock = systemClock): Promise<number> => {
  const trail = createTrail(identity.log, clock);
  return tellEndedLeases({ db: identity.db, clock, trail });
};

const aheadBy = (ms: number): Clock => ({
  ...systemClock,
  now: () => laterBy(systemClock.now(), ms),
});

async function device(t: TestContext) {
  const identity = await testIdentity(t);
  const person = await signedInPerson(identity, ana);
  return { identity, person };
}

suite("an offline lease", () => {
  test("is given to a patient for her own record, for three days, with a key told once", async (t) => {
    const { identity, person } = await device(t);
    const lease = await given(await ask(person));
    assert.equal(lease["patient"], "pat-1");
    assert.equal(Buffer.from(String(lease["key"]), "base64url").length, 32);
    const lasts = Date.parse(String(lease["endsAt"])) - Date.parse(String(lease["now"]));
    assert.equal(lasts, limits.offlineLeaseMs);
    const [item] = await itemsOf(await person.call("GET", leases));
    assert.deepEqual(
      [item?.["id"], item?.["isThis"], item?.["patient"]],
      [lease["id"], true, "pat-1"],
    );
    const rows = await identity.db.query("SELECT * FROM identity.offline_lease");
    assert.ok(!JSON.stringify(rows).includes(String(lease["key"])));
    const entry = identity.log.entries.find(({ reasons }) => reasons[0] === "offline-lease-given");
    assert.equal(entry?.actor, person.account);
    assert.deepEqual([entry?.device, entry?.resourceId], [item?.["device"], lease["id"]]);
  });

  test("is given to nobody for a record that is not her own", async (t) => {
    const { person } = await device(t);
    for (const patient of ["pat-2", "", 7, null, "Patient/pat-1"])
      assert.equal(await codeOfProblem(await ask(person, patient)), "forbidden");
    assert.deepEqual(await itemsOf(await person.call("GET", leases)), []);
  });

  test("is not given to one who acts for the patient", async (t) => {
    const identity = await testIdentity(t);
    const helper = { ...ana, roles: ["proxy"], patients: [], externalId: "demo:helper" };
    const { login: _l, password: _p, totpSeed: _t, ...bare } = helper;
    const mother = await signedInPerson(identity, bare);
    await identity.db.query(
      "UPDATE identity.session SET acts_for = '{pat-1}', acts_for_from = '{0}', acts_for_until = '{9999999999999}'",
    );
    const me = await readJson(await mother.call("GET", "me"));
    assert.deepEqual(me["patients"], ["pat-1"]);
    assert.equal(await codeOfProblem(await ask(mother)), "forbidden");
  });

  test("is not given to staff, even for her own record", async (t) => {
    const identity = await testIdentity(t);
    const both = { ...nurse, roles: ["clinician", "patient"], patients: ["pat-9"] };
    const person = await signedInPerson(identity, both);
    assert.equal(await codeOfProblem(await ask(person, "pat-9")), "forbidden");
  });

  test("is not given to a kiosk, nor to a device without a key of its own", async (t) => {
    const { identity, person } = await device(t);
    await setOwnDevice(identity, "kind = 'kiosk'");
    assert.equal(await codeOfProblem(await ask(person)), "forbidden");
    await setOwnDevice(identity, "kind = 'browser', level = 0");
    assert.equal(await codeOfProblem(await ask(person)), "forbidden");
    await setOwnDevice(identity, "level = 1");
    await given(await ask(person));
  });

  test("is given only to somebody who proved herself just now, and renewed without", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    await letSignInAge(identity);
    assert.equal(await codeOfProblem(await ask(person)), "step-up-needed");
    assert.equal((await renewed(person, id)).status, 200);
  });

  test("is not given under the id of another, nor under what is no id", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const other = await signInAgain(identity, person.account, person.authenticator);
    const again = await other.call("POST", `${leases}/${id}`, { patient: "pat-1" });
    assert.equal(await codeOfProblem(again), "edit-conflict");
    assert.equal((await other.call("POST", `${leases}/x`, { patient: "pat-1" })).status, 404);
    assert.equal(await hasEnded(identity, id), false);
  });

  test("is renewed on its own device alone, each time with another key", async (t) => {
    const { identity, person } = await device(t);
    const first = await given(await ask(person));
    const id = String(first["id"]);
    const again = await given(await renewed(person, id));
    assert.equal(again["id"], id);
    assert.notEqual(again["key"], first["key"]);
    const laptop = await signInAgain(identity, person.account, person.authenticator);
    assert.equal(await codeOfProblem(await renewed(laptop, id)), "not-found");
    const stranger = await signedInPerson(identity, {
      ...nurse,
      roles: ["patient"],
      patients: ["pat-7"],
    });
    assert.equal(await codeOfProblem(await renewed(stranger, id)), "not-found");
    assert.equal((await stranger.call("DELETE", `${leases}/${id}`)).status, 404);
    assert.equal(await hasEnded(identity, id), false);
  });

  test("ends when the record is no more her own", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    await identity.db.query("UPDATE identity.account SET patients = '{pat-other}'");
    assert.equal(await codeOfProblem(await renewed(person, id)), "forbidden");
    assert.equal(await endOf(identity, id), "not-own");
    assert.equal(await codeOfProblem(await renewed(person, id)), "not-found");
  });

  test("ends when she switches it off, from whatever device, and no key is given after it", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const laptop = await signInAgain(identity, person.account, person.authenticator);
    assert.equal((await laptop.call("DELETE", `${leases}/${id}`)).status, 200);
    assert.equal(await hasEnded(identity, id), true);
    assert.equal(await codeOfProblem(await renewed(person, id)), "not-found");
    assert.equal((await laptop.call("DELETE", `${leases}/${id}`)).status, 404);
  });

  test("ends with the device's loss, and a lost device gets no other", async (t) => {
    const { identity, person } = await device(t);
    const [lease] = [await given(await ask(person))];
    const laptop = await signInAgain(identity, person.account, person.authenticator);
    const [item] = await itemsOf(await laptop.call("GET", leases));
    const lost = await laptop.call("POST", `account/devices/${String(item?.["device"])}/lost`);
    assert.equal(lost.status, 200);
    const id = String(lease?.["id"]);
    assert.equal(await endOf(identity, id), "lost");
    assert.equal(await hasEnded(identity, id), true);
    assert.equal((await renewed(person, id)).status, 401);
    assert.equal((await ask(person)).status, 401);
  });

  test("ends with the sign-out of its browser, there or from afar, and not by mere idleness", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    assert.equal((await person.call("POST", "sign-out", { idle: true })).status, 200);
    assert.equal((await person.call("GET", "me")).status, 401);
    assert.equal(await hasEnded(identity, id), false);
    const back = await signInAgain(identity, person.account, person.authenticator);
    const second = await leaseOf(back);
    assert.equal((await back.call("POST", "sign-out")).status, 200);
    assert.equal(await endOf(identity, second), "signed-out");
    assert.equal(await hasEnded(identity, id), false);
    const laptop = await signInAgain(identity, person.account, person.authenticator);
    assert.equal((await laptop.call("POST", "account/sign-out-everywhere")).status, 200);
    assert.equal(await hasEnded(identity, id), true);
  });

  test("ends when its device is forgotten", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const [item] = await itemsOf(await person.call("GET", leases));
    await person.call("DELETE", `account/devices/${String(item?.["device"])}`);
    assert.equal(await endOf(identity, id), "forgotten");
  });

  test("is one for each browser, and five for each person", async (t) => {
    const { identity, person } = await device(t);
    const first = await leaseOf(person);
    const second = await leaseOf(person);
    assert.equal(await endOf(identity, first), "replaced");
    assert.equal(await hasEnded(identity, second), false);
    let last = person;
    for (let n = 1; n <= identityLimits.offlineLeasesPerAccount; n += 1) {
      last = await signInAgain(identity, person.account, person.authenticator);
      const answer = await ask(last);
      const isRoom = n < identityLimits.offlineLeasesPerAccount;
      assert.equal(answer.status, isRoom ? 200 : 409, `device ${n + 1}`);
    }
    assert.equal((await person.call("DELETE", `${leases}/${second}`)).status, 200);
    await given(await ask(last));
  });

  test("of somebody else in the same browser ends when another one switches it on", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const other = await signedInPerson(identity, {
      ...nurse,
      roles: ["patient"],
      patients: ["pat-7"],
    });
    // As though both used one browser profile.
    await setOwnDevice(identity, `jkt = '${person.app.key.jkt}'`);
    await given(await ask(other, "pat-7"));
    assert.equal(await endOf(identity, id), "replaced");
  });

  test("is renewed for no token of another device, by whatever key", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const app = createApp(identity);
    const code = await app.signIn(byPasskey(person.authenticator));
    const tokens = await readJson(await app.exchange(code.get("code") ?? ""));
    const token = String(tokens["access_token"]);
    const path = api(`${leases}/${id}/renew`);
    const headers = {
      authorization: `DPoP ${token}`,
      dpop: person.app.key.proof("POST", path, { token }),
    };
    assert.equal((await identity.send(path, { method: "POST", headers })).status, 401);
    assert.equal((await app.call("POST", path, token)).status, 404);
  });

  test("is given to no app that she let in, for whatever record", async (t) => {
    const identity = await testIdentity(t);
    await makeAccount(identity, ana);
    const app = createSmartApp(identity, await registerApp(identity));
    const asked = await app.ask("openid fhirUser launch/patient patient/*.rs offline_access");
    const back = await app.allow(await app.signIn(asked, asAna()), { patient: "pat-1" });
    const tokens = await readTokens(await app.exchange(back.searchParams.get("code") ?? ""));
    for (const [method, tail] of [
      ["GET", leases],
      ["POST", `${leases}/${systemRandom.uuid()}`],
      ["POST", `${leases}/${systemRandom.uuid()}/renew`],
    ] as const)
      assert.equal(
        await codeOfProblem(await app.call(method, api(tail), tokens.access)),
        "forbidden",
      );
  });

  test("that nobody gave has ended, and nothing else is told of one", async (t) => {
    const { identity } = await device(t);
    assert.equal(await hasEnded(identity, systemRandom.uuid()), true);
    for (const wrong of ["", "x", 7, null]) assert.equal(await hasEnded(identity, wrong), 400);
  });
});

suite("the end of an offline lease", () => {
  test("is told to the log once, with the device and what ended it", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    assert.equal(await tell(identity), 0);
    await person.call("POST", "sign-out");
    assert.equal(await tell(identity), 1);
    assert.equal(await tell(identity), 0);
    const entry = identity.log.entries.at(-1);
    assert.deepEqual(entry?.reasons, ["offline-lease-ended", "signed-out"]);
    const named = identity.log.entries.find(({ reasons }) => reasons[0] === "offline-lease-given");
    assert.deepEqual([entry?.resourceId, entry?.device], [id, named?.device]);
    assert.equal(entry?.actor, "process:identity");
  });

  test("is told when it runs out, and again after it was renewed and ran out once more", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const later = aheadBy(limits.offlineLeaseMs + 1_000);
    assert.equal(await tell(identity, later), 1);
    assert.deepEqual(identity.log.entries.at(-1)?.reasons, ["offline-lease-run-out"]);
    assert.equal((await renewed(person, id)).status, 200);
    assert.equal(await tell(identity), 0);
    assert.equal(await tell(identity, later), 1);
  });

  test("comes by itself a month after it ran out, and its row goes a month later", async (t) => {
    const { identity, person } = await device(t);
    const id = await leaseOf(person);
    const { offlineLapsedMs, endedSessionMs } = identityLimits;
    const month = limits.offlineLeaseMs + offlineLapsedMs + 60_000;
    assert.equal(await tell(identity, aheadBy(month)), 1);
    assert.equal(await endOf(identity, id), "unused");
    await sweep(identity.db, laterBy(systemClock.now(), month + endedSessionMs + 60_000));
    assert.equal(await endOf(identity, id), undefined);
  });

  test("stays untold while the log cannot be written", async (t) => {
    const { identity, person } = await device(t);
    await leaseOf(person);
    await person.call("POST", "sign-out");
    identity.log.isDown = true;
    await assert.rejects(tell(identity), /audit-unavailable/);
    identity.log.isDown = false;
    assert.equal(await tell(identity), 1);
  });
});
