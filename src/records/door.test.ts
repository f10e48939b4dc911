import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { clientFactHeaders } from "#core/client-facts.ts";
import { limits } from "#core/limits.ts";
import type { PolicyDecision } from "#core/policy-request.ts";
import {
  signingKey,
  testWorld,
  type Got,
  type TestPerson,
  type TestWorld,
  type WorldChanges,
} from "#records/testing.ts";

interface Scene {
  readonly world: TestWorld;
  readonly ana: TestPerson;
  readonly doctor: TestPerson;
}

const observation = (id: string, patient: string): object => ({
  resourceType: "Observation",
  id,
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }], text: "Haemoglobin" },
  subject: { reference: `Patient/${patient}` },
});

/** Ana and Ben with a lab result each; the doctor is in Ana's care team alone. */
async function scene(t: TestContext, changes: WorldChanges = {}): Promise<Scene> {
  const world = await testWorld(t, changes);
  const brought = await world.bring([
    { resourceType: "Practitioner", id: "doc", name: [{ prefix: ["Dr."], family: "Okafor" }] },
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    observation("ana-lab", "ana"),
    observation("ben-lab", "ben"),
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  assert.deepEqual(new Set(brought.map(({ outcome }) => outcome)), new Set(["created"]));
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  return { world, ana, doctor };
}

const codeOf = ({ text }: Got): string => {
  const body = JSON.parse(text) as {
    issue?: { details: { coding: { code: string }[] } }[];
    type?: string;
  };
  return body.issue?.[0]?.details.coding[0]?.code ?? body.type?.split(":").at(-1) ?? "none";
};

async function lastEntry(world: TestWorld): Promise<Record<string, unknown>> {
  const entry = (await world.entries()).at(-1);
  assert.ok(entry !== undefined);
  return { ...entry };
}

/** No answer, whatever its kind, may hold a word of the record. */
function holdsNothing({ text }: Got): void {
  assert.ok(!text.includes("Haemoglobin"), "the answer holds PHI");
}

test("a patient reads her own record, and the reading is in the log before she has it", async (t) => {
  const { world, ana } = await scene(t);
  const got = await world.askAs(ana, "GET", "/fhir/Observation/ana-lab");
  assert.equal(got.status, 200, got.text);
  assert.equal(got.headers["etag"], 'W/"1"');
  assert.equal(got.headers["cache-control"], "no-store");
  assert.match(String(got.headers["content-type"]), /^application\/fhir\+json/);
  const body = JSON.parse(got.text) as { code: { text: string }; meta: { versionId: string } };
  assert.equal(body.code.text, "Haemoglobin");
  assert.equal(body.meta.versionId, "1");
  const entry = await lastEntry(world);
  assert.deepEqual(
    [entry["action"], entry["decision"], entry["actor"], entry["role"], entry["purpose"]],
    ["read", "permit", ana.account, "patient", "PATRQT"],
  );
  assert.deepEqual(
    [entry["resourceType"], entry["resourceId"], entry["resourceVersion"], entry["count"]],
    ["Observation", "ana-lab", 1, 1],
  );
  assert.deepEqual(entry["reasons"], ["patient-own-record"]);
  assert.equal(entry["device"], ana.device);
  assert.equal(entry["address"], "192.0.2.7");
});

test("another patient's record and one that never was look the same to a patient, not to the log", async (t) => {
  const { world, ana } = await scene(t);
  const others = await world.askAs(ana, "GET", "/fhir/Observation/ben-lab");
  assert.equal((await lastEntry(world))["decision"], "deny");
  const ben = (await lastEntry(world))["patient"];
  assert.ok(ben !== null);
  const nobodys = await world.askAs(ana, "GET", "/fhir/Observation/no-such-lab");
  assert.equal((await lastEntry(world))["patient"], null);
  assert.equal(others.status, 404);
  assert.deepEqual([others.status, others.text], [nobodys.status, nobodys.text]);
  const names = (headers: Got["headers"]): string[] => Object.keys(headers).sort();
  assert.deepEqual(names(others.headers), names(nobodys.headers));
  for (const path of ["/_history", "/_history/1"]) {
    const got = await world.askAs(ana, "GET", `/fhir/Observation/ben-lab${path}`);
    assert.equal(got.status, 404);
    holdsNothing(got);
  }
});

test("a clinician reads her care team's patients and nobody else's", async (t) => {
  const { world, doctor } = await scene(t);
  const cared = await world.askAs(doctor, "GET", "/fhir/Observation/ana-lab");
  assert.equal(cared.status, 200, cared.text);
  const entry = await lastEntry(world);
  assert.deepEqual([entry["role"], entry["purpose"]], ["clinician", "TREAT"]);
  const other = await world.askAs(doctor, "GET", "/fhir/Observation/ben-lab");
  assert.deepEqual([other.status, codeOf(other)], [403, "forbidden"]);
  holdsNothing(other);
  assert.equal((await lastEntry(world))["decision"], "deny");
});

test("someone in no role that policy knows gets nothing", async (t) => {
  const { world } = await scene(t);
  const stranger = await world.person({ roles: ["administrator"] });
  for (const path of ["/fhir/Observation/ana-lab", "/fhir/Patient?name=x", "/fhir/Patient/ana"]) {
    const got = await world.askAs(stranger, "GET", path);
    assert.ok(got.status === 403 || !got.text.includes('"entry"'), got.text);
    holdsNothing(got);
  }
});

interface Attempt {
  readonly name: string;
  readonly headers: (ana: TestPerson) => Record<string, string>;
  readonly code: string;
  readonly isLoggedByName: boolean;
}

const path = "/fhir/Observation/ana-lab";
const asked = { method: "GET", path };
const other = signingKey();

function headersOf(ana: TestPerson, token: string, dpop: string): Record<string, string> {
  return { authorization: `DPoP ${token}`, dpop };
}

const attempts: readonly Attempt[] = [
  { name: "no token", headers: () => ({}), code: "token-missing", isLoggedByName: false },
  {
    name: "a token sent as Bearer",
    headers: (ana) => ({ authorization: `Bearer ${ana.token()}` }),
    code: "token-invalid",
    isLoggedByName: false,
  },
  {
    name: "a token without its key's proof",
    headers: (ana) => ({ authorization: `DPoP ${ana.token()}` }),
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "a stolen token with a proof of the thief's own key",
    headers: (ana) => {
      const token = ana.token();
      const thief = { ...ana, key: other };
      const stolen = ana.proof({ ...asked, token });
      assert.notEqual(thief.key.jkt, ana.key.jkt);
      return headersOf(ana, token, stolen.replace(/\.[^.]*$/, `.${"A".repeat(86)}`));
    },
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "a token bound to another key than the one that proves",
    headers: (ana) => {
      const token = ana.token({ cnf: { jkt: other.jkt } });
      return headersOf(ana, token, ana.proof({ ...asked, token }));
    },
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "a proof for another method",
    headers: (ana) => {
      const token = ana.token();
      return headersOf(ana, token, ana.proof({ ...asked, token }, { htm: "POST" }));
    },
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "a proof for another address",
    headers: (ana) => {
      const token = ana.token();
      return headersOf(ana, token, ana.proof({ ...asked, path: "/fhir/Patient/ana", token }));
    },
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "a proof for another token",
    headers: (ana) => headersOf(ana, ana.token(), ana.proof({ ...asked, token: ana.token() })),
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "an old proof",
    headers: (ana) => {
      const token = ana.token();
      const iat = Math.floor(Date.now() / 1_000) - limits.dpopProofAgeSeconds - 2;
      return headersOf(ana, token, ana.proof({ ...asked, token }, { iat }));
    },
    code: "proof-invalid",
    isLoggedByName: true,
  },
  {
    name: "an expired token",
    headers: (ana) => {
      const token = ana.token({ exp: Math.floor(Date.now() / 1_000) - 1 });
      return headersOf(ana, token, ana.proof({ ...asked, token }));
    },
    code: "token-expired",
    isLoggedByName: false,
  },
  {
    name: "a token for another audience",
    headers: (ana) => {
      const token = ana.token({ aud: "https://elsewhere/fhir" });
      return headersOf(ana, token, ana.proof({ ...asked, token }));
    },
    code: "token-invalid",
    isLoggedByName: false,
  },
  {
    name: "a token of another account's session",
    headers: (ana) => {
      const token = ana.token({ sub: "00000000-0000-4000-8000-000000000001" });
      return headersOf(ana, token, ana.proof({ ...asked, token }));
    },
    code: "session-ended",
    isLoggedByName: true,
  },
  {
    name: "a token of a client that the session does not know",
    headers: (ana) => {
      const token = ana.token({ client_id: "other-app" });
      return headersOf(ana, token, ana.proof({ ...asked, token }));
    },
    code: "session-ended",
    isLoggedByName: true,
  },
];

test("nobody gets in without token, key and session", async (t) => {
  const { world, ana } = await scene(t);
  for (const { name, headers, code, isLoggedByName } of attempts)
    await t.test(name, async () => {
      const before = (await world.entries()).length;
      const got = await world.ask("GET", path, { headers: headers(ana) });
      assert.deepEqual([got.status, codeOf(got)], [401, code]);
      holdsNothing(got);
      assert.match(String(got.headers["www-authenticate"]), /^DPoP /);
      const after = (await world.entries()).slice(before);
      assert.equal(after.length, isLoggedByName ? 1 : 0);
      if (isLoggedByName) {
        assert.equal(after[0]?.decision, "deny");
        assert.equal(after[0].reasons[0], code);
      }
    });
  await world.records.close();
  const counted = (await world.entries()).filter(({ actor }) => actor === null);
  const total = counted.reduce((sum, { count }) => sum + count, 0);
  assert.equal(total, attempts.filter(({ isLoggedByName }) => !isLoggedByName).length);
});

test("a proof serves once, whether for a reading or a writing", async (t) => {
  const { world, ana, doctor } = await scene(t);
  const token = ana.token();
  const headers = headersOf(ana, token, ana.proof({ ...asked, token }));
  assert.equal((await world.ask("GET", path, { headers })).status, 200);
  const again = await world.ask("GET", path, { headers });
  assert.deepEqual([again.status, codeOf(again)], [401, "proof-replayed"]);
  holdsNothing(again);
  const entry = await lastEntry(world);
  assert.deepEqual([entry["decision"], entry["reasons"]], ["deny", ["proof-replayed"]]);

  const writing = { method: "POST", path: "/fhir/Observation" };
  const doctorsToken = doctor.token();
  const body = JSON.stringify(observation("x", "ana"));
  const once = {
    headers: {
      ...headersOf(doctor, doctorsToken, doctor.proof({ ...writing, token: doctorsToken })),
      "content-type": "application/fhir+json",
    },
    body,
  };
  assert.equal((await world.ask("POST", writing.path, once)).status, 201);
  const count = async (): Promise<number> =>
    (await world.db.query("SELECT FROM records.resource WHERE type = 'Observation'")).length;
  const written = await count();
  assert.equal((await world.ask("POST", writing.path, once)).status, 401);
  assert.equal(await count(), written);
});

test("a session that has ended lets nobody in from the next second on", async (t) => {
  const { world, ana } = await scene(t);
  assert.equal((await world.askAs(ana, "GET", path)).status, 200);
  await ana.end();
  await new Promise((resolve) => setTimeout(resolve, limits.liveRefreshMs * 3));
  const got = await world.askAs(ana, "GET", path);
  assert.deepEqual([got.status, codeOf(got)], [401, "session-ended"]);
});

test("a session idle too long lets nobody in", async (t) => {
  const { world } = await scene(t);
  const ana = await world.person({ roles: ["patient"], patients: ["ana"], idleMs: 60_000 });
  assert.equal((await world.askAs(ana, "GET", path)).status, 200);
  world.clock.shiftMs = 61_000;
  const got = await world.askAs(ana, "GET", path);
  assert.deepEqual([got.status, codeOf(got)], [401, "session-ended"]);
});

test("without fresh news of sessions nobody is let in", async (t) => {
  let isCut = false;
  const { world, ana } = await scene(t, {
    db: (db) => ({
      ...db,
      query: (statement, values) =>
        isCut && typeof statement !== "string" && statement.name === "records-live"
          ? Promise.reject(new Error("Connection terminated"))
          : db.query(statement, values),
    }),
  });
  assert.equal((await world.askAs(ana, "GET", path)).status, 200);
  isCut = true;
  await new Promise((resolve) => setTimeout(resolve, limits.liveStaleMs + 100));
  const got = await world.askAs(ana, "GET", path);
  assert.deepEqual([got.status, codeOf(got)], [503, "session-state-stale"]);
  holdsNothing(got);
});

test("a policy that cannot be evaluated denies", async (t) => {
  let decision: PolicyDecision | null = null;
  const { world, ana } = await scene(t, {
    authorizer: (authorizer) => ({
      ...authorizer,
      decide: (request) => decision ?? authorizer.decide(request),
    }),
  });
  decision = { effect: "deny", policies: [], reason: "error", asked: "all" };
  const got = await world.askAs(ana, "GET", path);
  assert.deepEqual([got.status, codeOf(got)], [503, "policy-unavailable"]);
  holdsNothing(got);
  assert.equal((await lastEntry(world))["decision"], "error");
});

test("while the log cannot be written nothing is shown", async (t) => {
  let isCut = false;
  const cut = (): Promise<never> => Promise.reject(new Error("Connection terminated unexpectedly"));
  const { world, ana } = await scene(t, {
    logDb: (db) => ({
      ...db,
      query: (statement, values) => (isCut ? cut() : db.query(statement, values)),
      transaction: (work) => (isCut ? cut() : db.transaction(work)),
    }),
  });
  assert.equal((await world.askAs(ana, "GET", path)).status, 200);
  isCut = true;
  const got = await world.askAs(ana, "GET", path);
  assert.deepEqual([got.status, codeOf(got)], [503, "audit-unavailable"]);
  holdsNothing(got);
  const denied = await world.askAs(ana, "GET", "/fhir/Observation/ben-lab");
  assert.equal(denied.status, 503);
});

test("without the keys process nothing opens", async (t) => {
  let isGone = false;
  const { world, ana } = await scene(t, {
    keys: (keys) => ({
      ...keys,
      unwrap: (wrapped) =>
        isGone
          ? Promise.resolve({ ok: false, problem: { code: "key-unavailable" } })
          : keys.unwrap(wrapped),
    }),
  });
  // Past the time that keys stay in memory.
  world.clock.shiftMs = 16 * 60_000;
  isGone = true;
  const got = await world.askAs(ana, "GET", path);
  assert.deepEqual([got.status, codeOf(got)], [503, "key-unavailable"]);
  holdsNothing(got);
});

test("a ciphertext moved to another patient's row does not open, and raises an alarm that names the row", async (t) => {
  const { world, doctor, ana } = await scene(t);
  await world.db.query(
    `UPDATE records.resource SET sealed =
       (SELECT sealed FROM records.resource WHERE type = 'Observation' AND id = 'ben-lab')
     WHERE type = 'Observation' AND id = 'ana-lab'`,
  );
  for (const [person, address] of [
    [ana, path],
    [doctor, "/fhir/Observation?patient=ana"],
    [ana, `${path}/_history`],
  ] as const) {
    const got = await world.askAs(person, "GET", address);
    assert.deepEqual([got.status, codeOf(got)], [500, "record-damaged"]);
    holdsNothing(got);
    const entry = await lastEntry(world);
    assert.deepEqual(
      [entry["signal"], entry["decision"], entry["resourceId"]],
      ["record-damaged", "error", "ana-lab"],
    );
  }
});

test("a row given to another patient, with its ciphertext, does not open either", async (t) => {
  const { world, ana } = await scene(t);
  await world.db.query(
    `UPDATE records.resource SET compartment =
       (SELECT compartment FROM records.resource WHERE type = 'Patient' AND id = 'ana')
     WHERE type = 'Observation' AND id = 'ben-lab'`,
  );
  const got = await world.askAs(ana, "GET", "/fhir/Observation/ben-lab");
  assert.deepEqual([got.status, codeOf(got)], [500, "record-damaged"]);
  holdsNothing(got);
});

test("facts about the caller come from the gateway alone, and must be there", async (t) => {
  const { world, ana } = await scene(t);
  const token = ana.token();
  const headers = headersOf(ana, token, ana.proof({ ...asked, token }));
  const without = await world.ask("GET", path, {
    headers: { ...headers, [clientFactHeaders.zone]: "moon" },
  });
  assert.deepEqual([without.status, codeOf(without)], [403, "forbidden"]);
  const { statusCode, body } = await world.operator.request({
    method: "GET",
    path,
    headers: { ...headers, "x-test-peer": "operator" },
  });
  assert.equal(statusCode, 403);
  holdsNothing({ status: statusCode, headers: {}, text: await body.text() });
});

test("a token's scopes bound what its bearer may do, whatever policy says", async (t) => {
  const { world } = await scene(t);
  const facts = { roles: ["patient"], patients: ["ana"] };
  const narrow = await world.person({ ...facts, scope: "patient/Condition.rs" });
  assert.equal((await world.askAs(narrow, "GET", path)).status, 404);
  const reader = await world.person({ ...facts, scope: "patient/Observation.r" });
  assert.equal((await world.askAs(reader, "GET", path)).status, 200);
  const search = await world.askAs(reader, "GET", "/fhir/Observation?patient=ana");
  assert.deepEqual([search.status, codeOf(search)], [403, "forbidden"]);
});

test("a sensitive record is refused to whom policy keeps it from, and left out of what is found", async (t) => {
  const { world, ana, doctor } = await scene(t);
  const [note] = await world.bring([
    {
      ...observation("notes", "ana"),
      meta: {
        security: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" }],
      },
    },
  ]);
  assert.equal(note?.["outcome"], "created");
  const got = await world.askAs(ana, "GET", "/fhir/Observation/notes");
  assert.equal(got.status, 404, got.text);
  assert.equal((await lastEntry(world))["decision"], "deny");
  const found = await world.askAs(ana, "GET", "/fhir/Observation?patient=ana");
  assert.ok(!found.text.includes('"notes"'));
  assert.ok(found.text.includes('"ana-lab"'));
  assert.equal((await world.askAs(doctor, "GET", "/fhir/Observation/notes")).status, 200);
});
