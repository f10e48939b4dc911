import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Dispatcher } from "undici";
import { testWorld, type AskOptions, type Got, type TestWorld } from "#records/testing.ts";

const system = "urn:lab";

const lab = (number: string, subject = "Patient/ana"): object => ({
  resourceType: "Observation",
  status: "final",
  identifier: [{ system, value: number }],
  code: { text: "x" },
  subject: { reference: subject },
});

interface Scene {
  readonly world: TestWorld;
  readonly ask: (method: Dispatcher.HttpMethod, path: string, options?: AskOptions) => Promise<Got>;
  readonly send: (entry: readonly object[], type?: string) => Promise<Got>;
  /** How many versions are stored. */
  readonly rows: () => Promise<number>;
}

/** A doctor who cares for Ana, and asks. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "doc", identifier: [{ system: "urn:npi", value: "7" }] },
    { resourceType: "Patient", id: "ana", identifier: [{ system: "urn:mrn", value: "A-1" }] },
    { resourceType: "Patient", id: "ben", identifier: [{ system: "urn:mrn", value: "B-2" }] },
    { ...lab("1"), id: "one" },
    { ...lab("2"), id: "twin-a" },
    { ...lab("2"), id: "twin-b" },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const ask: Scene["ask"] = (...asked) => world.askAs(doctor, ...asked);
  const send: Scene["send"] = (entry, type = "transaction") =>
    ask("POST", "/fhir", { body: JSON.stringify({ resourceType: "Bundle", type, entry }) });
  const rows = async (): Promise<number> =>
    (await world.db.query("SELECT FROM records.resource")).length;
  return { world, ask, send, rows };
}

interface Answered {
  readonly entry: readonly {
    readonly response: {
      readonly status: string;
      readonly location?: string;
      readonly etag?: string;
      readonly outcome?: { issue: { details: { coding: { code: string }[] } }[] };
    };
  }[];
}

function answered(got: Got): Answered["entry"] {
  assert.equal(got.status, 200, got.text);
  return (JSON.parse(got.text) as Answered).entry;
}
const statuses = (got: Got): readonly string[] =>
  answered(got).map(({ response }) => response.status.slice(0, 3));

function codeOf({ text }: Got): string {
  const { issue } = JSON.parse(text) as { issue: { details: { coding: { code: string }[] } }[] };
  return issue[0]?.details.coding[0]?.code ?? "none";
}

const where = (number: string): string => `Observation?patient=ana&identifier=${system}|${number}`;
const post = (number: string, more: object = {}): object => ({
  resource: lab(number),
  request: { method: "POST", url: "Observation", ifNoneExist: `identifier=${system}|${number}` },
  ...more,
});

test("conditions of entries create, update, patch and delete what they find, and only that", async (t) => {
  const { ask, send } = await scene(t);
  const data = Buffer.from('[{"op":"replace","path":"/status","value":"amended"}]').toString(
    "base64",
  );
  const got = await send([
    post("1", { fullUrl: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e" }),
    post("9"),
    { resource: { ...lab("8") }, request: { method: "PUT", url: where("8") } },
    {
      resource: {
        resourceType: "Condition",
        subject: { reference: "Patient/ana" },
        evidence: [{ detail: [{ reference: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e" }] }],
      },
      request: { method: "POST", url: "Condition" },
    },
    { request: { method: "DELETE", url: where("7") } },
    {
      resource: { resourceType: "Binary", contentType: "application/json-patch+json", data },
      request: { method: "PATCH", url: "Observation/twin-a" },
    },
  ]);
  assert.deepEqual(statuses(got), ["200", "201", "201", "201", "204", "200"]);
  const [found, , , condition] = answered(got);
  assert.match(found?.response.location ?? "", /Observation\/one\/_history\/1$/);
  const path = (condition?.response.location ?? "").replace("https://localhost:8443", "");
  assert.ok((await ask("GET", path)).text.includes("Observation/one"));
  const patched = await ask("GET", "/fhir/Observation/twin-a");
  assert.ok(patched.text.includes('"amended"'));
  assert.deepEqual(statuses(await send([{ request: { method: "DELETE", url: where("8") } }])), [
    "204",
  ]);
});

test("a FHIRPath Patch by condition takes its references from the Bundle", async (t) => {
  const { ask, send } = await scene(t);
  const parameter = [
    {
      name: "operation",
      part: [
        { name: "type", valueCode: "add" },
        { name: "path", valueString: "Observation" },
        { name: "name", valueString: "hasMember" },
        {
          name: "value",
          valueReference: { reference: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e" },
        },
      ],
    },
  ];
  const got = await send([
    {
      resource: { resourceType: "Parameters", parameter },
      request: { method: "PATCH", url: where("1") },
    },
    post("9", { fullUrl: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e" }),
  ]);
  assert.deepEqual(statuses(got), ["200", "201"]);
  const id = /Observation\/([^/]+)\//.exec(answered(got)[1]?.response.location ?? "")?.[1] ?? "";
  assert.ok((await ask("GET", "/fhir/Observation/one")).text.includes(`Observation/${id}`));
});

test("conditional references are made literal, of a patient before what is in her record", async (t) => {
  const { ask, send } = await scene(t);
  const got = await send([
    {
      resource: {
        ...lab("9", "Patient?identifier=urn:mrn|A-1"),
        performer: [{ reference: "Practitioner?identifier=urn:npi|7" }],
        hasMember: [{ reference: `Observation?identifier=${system}|1` }],
      },
      request: { method: "POST", url: "Observation" },
    },
  ]);
  const path = (answered(got)[0]?.response.location ?? "").replace("https://localhost:8443", "");
  const { subject, performer, hasMember } = JSON.parse((await ask("GET", path)).text) as {
    subject: object;
    performer: object[];
    hasMember: object[];
  };
  assert.deepEqual(
    [subject, performer, hasMember],
    [
      { reference: "Patient/ana" },
      [{ reference: "Practitioner/doc" }],
      [{ reference: "Observation/one" }],
    ],
  );
});

for (const [what, entries, status, code] of [
  ["a condition that two meet", [post("2")], 412, "multiple-matches"],
  [
    "a reference that two meet",
    [
      {
        resource: { ...lab("9"), hasMember: [{ reference: where("2") }] },
        request: { method: "POST", url: "Observation" },
      },
    ],
    412,
    "multiple-matches",
  ],
  [
    "a reference that nothing meets",
    [
      {
        resource: lab("9", "Patient?identifier=urn:mrn|nobody"),
        request: { method: "POST", url: "Observation" },
      },
    ],
    422,
    "reference-missing",
  ],
  [
    "a reference to a patient whom the caller may not find",
    [
      {
        resource: lab("9", "Patient?identifier=urn:mrn|B-2"),
        request: { method: "POST", url: "Observation" },
      },
    ],
    422,
    "reference-missing",
  ],
  ["one condition twice", [post("9"), post("9")], 422, "resource-invalid"],
  [
    "an update of what a condition's entry writes",
    [
      { resource: { ...lab("1") }, request: { method: "PUT", url: where("1") } },
      { request: { method: "DELETE", url: "Observation/one" } },
    ],
    422,
    "resource-invalid",
  ],
  [
    "a stale ifMatch",
    [{ resource: lab("1"), request: { method: "PUT", url: where("1"), ifMatch: 'W/"4"' } }],
    412,
    "version-conflict",
  ],
  [
    "a patch of what nothing meets",
    [{ resource: { resourceType: "Parameters" }, request: { method: "PATCH", url: where("5") } }],
    404,
    "not-found",
  ],
  [
    "a fullUrl given twice",
    [post("8", { fullUrl: "urn:uuid:a" }), post("9", { fullUrl: "urn:uuid:a" })],
    422,
    "resource-invalid",
  ],
] as const)
  test(`a transaction with ${what} is refused, naming the entry, and leaves nothing`, async (t) => {
    const { send, rows } = await scene(t);
    const before = await rows();
    const first = { resource: lab("6"), request: { method: "POST", url: "Observation" } };
    const got = await send([first, ...entries]);
    assert.deepEqual([got.status, codeOf(got)], [status, code], got.text);
    assert.match(got.text, /Bundle\.entry/);
    assert.equal(await rows(), before);
  });

test("in a batch each condition fails or holds for its own entry", async (t) => {
  const { send } = await scene(t);
  const got = await send(
    [
      post("2"),
      post("1"),
      post("9"),
      { request: { method: "GET", url: "Observation/one", ifNoneMatch: 'W/"1"' } },
    ],
    "batch",
  );
  assert.deepEqual(statuses(got), ["412", "200", "201", "304"]);
});

test("entries that refer to each other in a circle are stored as they are meant", async (t) => {
  const { ask, send } = await scene(t);
  const [a, b] = [
    "urn:uuid:0f8fad5b-d9cb-469f-a165-00000000000a",
    "urn:uuid:0f8fad5b-d9cb-469f-a165-00000000000b",
  ];
  const member = (reference: string): object => ({ ...lab("9"), hasMember: [{ reference }] });
  const request = { method: "POST", url: "Observation" };
  const got = await send([
    { fullUrl: a, resource: member(b), request },
    { fullUrl: b, resource: member(a), request },
  ]);
  const [first, second] = answered(got).map(({ response }) =>
    (response.location ?? "")
      .replace("https://localhost:8443/fhir/", "")
      .replace(/\/_history.*/, ""),
  );
  assert.ok((await ask("GET", `/fhir/${first}`)).text.includes(`"${second}"`));
  assert.ok((await ask("GET", `/fhir/${second}`)).text.includes(`"${first}"`));
});

test("two transactions that create the same thing at once make one", async (t) => {
  const { send, rows } = await scene(t);
  const before = await rows();
  const both = await Promise.all([1, 2, 3].map(() => send([post("9"), post("8")])));
  assert.deepEqual(
    both.map((got) => statuses(got).join()).toSorted((x, y) => x.localeCompare(y)),
    ["200,200", "200,200", "201,201"],
  );
  assert.equal(await rows(), before + 2);
});

test("50,000 entries are stored as a whole, others are answered meanwhile, and one more is refused", async (t) => {
  const { ask, send, rows } = await scene(t);
  const before = await rows();
  const entry = Array.from({ length: 50_000 }, (_, n) => ({
    resource: {
      resourceType: "Observation",
      status: "final",
      code: { text: String(n) },
      subject: { reference: "Patient/ana" },
    },
    request: { method: "POST", url: "Observation" },
  }));
  const state = { done: false };
  const sending = send(entry).finally(() => (state.done = true));
  let answers = 0;
  while (!state.done) {
    // A busy machine may keep even the news of sessions waiting for a moment: that is a 503.
    const { status } = await ask("GET", "/fhir/Observation/one");
    assert.ok(status === 200 || status === 503, String(status));
    if (status === 200) answers += 1;
  }
  assert.equal(answered(await sending).length, 50_000);
  assert.equal(await rows(), before + 50_000);
  assert.ok(answers > 0, "nobody else was answered");
  const more = await send([...entry, ...entry.slice(0, 1)]);
  assert.deepEqual([more.status, codeOf(more)], [422, "resource-invalid"]);
});
