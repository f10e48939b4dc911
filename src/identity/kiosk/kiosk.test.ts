import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { systemClock, type Clock, type Instant } from "#core/clock.ts";
import { createProofKey, readJson, type ProofKey } from "#identity/testing-app.ts";
import { ana, nurse } from "#identity/testing-people.ts";
import { codeOfProblem, itemsOf, signedInPerson } from "#identity/testing-signed-in.ts";
import type { SignedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const chief = {
  ...nurse,
  displayName: "Olu Ade",
  roles: ["administrator"],
  practitioner: null,
  externalId: "demo:olu",
  login: "olu.ade",
} as const;
const visit = "visit-1";

interface Clinic {
  readonly identity: TestIdentity;
  readonly administrator: SignedInPerson;
  readonly patient: SignedInPerson;
}

async function clinic(t: TestContext, clock: Clock = systemClock): Promise<Clinic> {
  const identity = await testIdentity(t, { clock });
  const administrator = await signedInPerson(identity, chief);
  return { identity, administrator, patient: await signedInPerson(identity, ana) };
}

function take(
  identity: TestIdentity,
  key: ProofKey,
  step: string,
  code: string,
): Promise<Response> {
  const path = `/api/identity/kiosk/${step}`;
  const headers = { authorization: `DPoP ${code}`, dpop: key.proof("POST", path, { token: code }) };
  return identity.send(path, { method: "POST", headers });
}

interface Tablet {
  readonly id: string;
  readonly key: ProofKey;
  readonly code: string;
}

async function tablet({ identity, administrator }: Clinic): Promise<Tablet> {
  const asked = { location: "front-desk" };
  const made = await readJson(await administrator.call("POST", "admin/kiosks", asked));
  const key = createProofKey();
  const code = String(made["code"]);
  const done = await take(identity, key, "set-up", code);
  assert.equal(done.status, 200, await done.clone().text());
  assert.deepEqual(await readJson(done), { location: "front-desk" });
  return { id: String(made["id"]), key, code };
}

async function codeFrom(person: SignedInPerson, more: object = {}): Promise<string> {
  const body = { patient: "pat-1", visit, ...more };
  const made = await person.call("POST", "kiosk-tickets", body);
  assert.equal(made.status, 200, await made.clone().text());
  return String((await readJson(made))["code"]);
}

/** Sessions as the records process is told of them. */
const live = ({ identity }: Clinic) => identity.database.as("phylax_records", 1);

const claimsOf = (token: unknown): Record<string, unknown> =>
  JSON.parse(
    Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString("utf8"),
  ) as Record<string, unknown>;

suite("a kiosk", () => {
  test("is set up once, by the one key that took its code", async (t) => {
    const at = await clinic(t);
    const { code, id } = await tablet(at);
    const again = await take(at.identity, createProofKey(), "set-up", code);
    assert.equal(await codeOfProblem(again), "not-found");
    const items = await itemsOf(await at.administrator.call("GET", "kiosks"));
    assert.deepEqual(items, [{ id, location: "front-desk", isSetUp: true }]);
  });

  test("is made by an administrator alone, for a location that it names", async (t) => {
    const { patient, administrator } = await clinic(t);
    const asked = { location: "front-desk" };
    assert.equal((await patient.call("POST", "admin/kiosks", asked)).status, 403);
    for (const location of ["", 7, "no id at all", undefined])
      assert.equal((await administrator.call("POST", "admin/kiosks", { location })).status, 400);
    assert.equal((await patient.call("GET", "kiosks")).status, 403);
  });

  test("begins with a patient's code and holds a token for her, her visit and its own key", async (t) => {
    const at = await clinic(t);
    const { key, id } = await tablet(at);
    const begun = await readJson(
      await take(at.identity, key, "begin", (await codeFrom(at.patient)).toLowerCase()),
    );
    const { patient, visit: of, location, accessToken } = begun;
    assert.deepEqual(
      { patient, of, location },
      { patient: "pat-1", of: visit, location: "front-desk" },
    );
    const claims = claimsOf(accessToken);
    assert.equal(claims["sub"], id);
    assert.equal(claims["patient"], "pat-1");
    assert.equal(claims["scope"], "patient/QuestionnaireResponse.c");
    assert.deepEqual(claims["cnf"], { jkt: key.jkt });
    const [told] = await live(at).query(
      "SELECT roles, acts_for, kiosk_visit, practitioner FROM identity.live WHERE account_id = $1",
      [id],
    );
    assert.deepEqual(told, {
      roles: ["kiosk"],
      acts_for: ["pat-1"],
      kiosk_visit: visit,
      practitioner: null,
    });
  });

  test("tells the records who handed the visit over, when a clinician did", async (t) => {
    const at = await clinic(t);
    const { key, id } = await tablet(at);
    const clinician = await signedInPerson(at.identity, nurse);
    const code = await codeFrom(clinician, { kiosk: id });
    assert.equal((await take(at.identity, key, "begin", code)).status, 200);
    const [told] = await live(at).query(
      "SELECT practitioner FROM identity.live WHERE account_id = $1",
      [id],
    );
    assert.equal(told?.["practitioner"], nurse.practitioner);
  });

  test("takes a code once, and none that was meant for another kiosk or typed elsewhere", async (t) => {
    const at = await clinic(t);
    const [one, other] = [await tablet(at), await tablet(at)];
    const clinician = await signedInPerson(at.identity, nurse);
    const code = await codeFrom(clinician, { kiosk: one.id });
    const elsewhere = await take(at.identity, other.key, "begin", code);
    assert.equal(await codeOfProblem(elsewhere), "not-found");
    // A browser that was never set up, as of who copied the code but not the tablet's key.
    const stranger = await take(at.identity, createProofKey(), "begin", code);
    assert.equal(await codeOfProblem(stranger), "forbidden");
    assert.equal((await take(at.identity, one.key, "begin", code)).status, 200);
    assert.equal(await codeOfProblem(await take(at.identity, one.key, "begin", code)), "not-found");
  });

  test("takes no code that ran out", async (t) => {
    let shiftMs = 0;
    const clock: Clock = { ...systemClock, now: () => (systemClock.now() + shiftMs) as Instant };
    const at = await clinic(t, clock);
    const { key } = await tablet(at);
    const code = await codeFrom(at.patient);
    shiftMs = 10 * 60_000 + 1;
    const path = "/api/identity/kiosk/begin";
    const iat = Math.floor((Date.now() + shiftMs) / 1_000);
    const headers = {
      authorization: `DPoP ${code}`,
      dpop: key.proof("POST", path, { token: code, iat }),
    };
    const late = await at.identity.send(path, { method: "POST", headers });
    assert.equal(await codeOfProblem(late), "not-found");
  });

  test("is handed no one's visit by a person who is neither that patient nor a clinician", async (t) => {
    const at = await clinic(t);
    const { id } = await tablet(at);
    const wishes = [
      [at.patient, { patient: "pat-2", visit }],
      [at.patient, { patient: "pat-1", visit, kiosk: id }],
      [at.administrator, { patient: "pat-1", visit, kiosk: id }],
    ] as const;
    for (const [person, body] of wishes)
      assert.equal((await person.call("POST", "kiosk-tickets", body)).status, 403);
  });

  test("ends the visit before when the next begins, and each by its own wish", async (t) => {
    const at = await clinic(t);
    const { key, id } = await tablet(at);
    const alive = async (): Promise<number> =>
      (
        await live(at).query(
          "SELECT session_id FROM identity.live WHERE account_id = $1 AND NOT ended",
          [id],
        )
      ).length;
    await take(at.identity, key, "begin", await codeFrom(at.patient));
    const second = await take(at.identity, key, "begin", await codeFrom(at.patient));
    assert.equal(await alive(), 1);
    const token = String((await readJson(second))["accessToken"]);
    assert.equal((await take(at.identity, key, "end", token)).status, 200);
    assert.equal(await alive(), 0);
    const after = await take(at.identity, key, "end", token);
    assert.equal(await codeOfProblem(after), "session-ended");
  });

  test("does nothing with its token about accounts, nor with it from another key", async (t) => {
    const at = await clinic(t);
    const { key } = await tablet(at);
    const begun = await take(at.identity, key, "begin", await codeFrom(at.patient));
    const token = String((await readJson(begun))["accessToken"]);
    const path = "/api/identity/me";
    const headers = { authorization: `DPoP ${token}`, dpop: key.proof("GET", path, { token }) };
    assert.equal((await at.identity.send(path, { headers })).status, 403);
    const copied = await take(at.identity, createProofKey(), "end", token);
    assert.equal(await codeOfProblem(copied), "proof-invalid");
  });

  test("that was withdrawn is over at once and begins nothing again", async (t) => {
    const at = await clinic(t);
    const { key, id } = await tablet(at);
    await take(at.identity, key, "begin", await codeFrom(at.patient));
    assert.equal((await at.administrator.call("DELETE", `admin/kiosks/${id}`)).status, 200);
    const [told] = await live(at).query(
      "SELECT bool_and(ended) AS ended FROM identity.live WHERE account_id = $1",
      [id],
    );
    assert.equal(told?.["ended"], true);
    const again = await take(at.identity, key, "begin", await codeFrom(at.patient));
    assert.equal(await codeOfProblem(again), "forbidden");
  });

  test("gets no token while the log cannot be written", async (t) => {
    const at = await clinic(t);
    const { key, id } = await tablet(at);
    const code = await codeFrom(at.patient);
    at.identity.log.isDown = true;
    assert.equal((await take(at.identity, key, "begin", code)).status, 503);
    const rows = await live(at).query(
      "SELECT session_id FROM identity.live WHERE account_id = $1 AND NOT ended",
      [id],
    );
    assert.equal(rows.length, 0);
  });
});
