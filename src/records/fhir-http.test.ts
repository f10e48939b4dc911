import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Dispatcher } from "undici";
import { limits } from "#core/limits.ts";
import { testWorld, type AskOptions, type Got, type TestPerson } from "#records/testing.ts";
import type { TestWorld } from "#records/testing.ts";

interface Scene {
  readonly world: TestWorld;
  readonly ana: TestPerson;
  readonly ask: (method: Dispatcher.HttpMethod, path: string, options?: AskOptions) => Promise<Got>;
}

interface Observation {
  readonly resourceType: "Observation";
  readonly id: string;
  readonly meta?: { readonly versionId: string };
  readonly status: string;
}

const lab = (id: string, patient: string, day: number): object => ({
  resourceType: "Observation",
  id,
  status: day % 2 === 0 ? "final" : "preliminary",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }] },
  subject: { reference: `Patient/${patient}` },
  effectiveDateTime: `2024-03-${String(day).padStart(2, "0")}`,
});

/** A doctor who cares for Ana, and asks; Ben is somebody else's patient. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana", name: [{ family: "Ng", given: ["Ana"] }] },
    { resourceType: "Patient", id: "ben", name: [{ family: "Ode", given: ["Ben"] }] },
    ...[1, 2, 3, 4, 5].map((day) => lab(`lab-${day}`, "ana", day)),
    lab("ben-lab", "ben", 1),
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
    { resourceType: "Practitioner", id: "doc", name: [{ text: "Dr. Okafor", family: "Okafor" }] },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  return { world, ana, ask: (...asked) => world.askAs(doctor, ...asked) };
}

const json = (value: object): AskOptions => ({ body: JSON.stringify(value) });
const parsed = <T extends object>({ text }: Got, _of?: T): T => JSON.parse(text) as T;

function codeOf(got: Got): string {
  const outcome = parsed<{
    resourceType: string;
    issue: { details: { coding: { code: string }[] }; expression?: string[] }[];
  }>(got);
  assert.equal(outcome.resourceType, "OperationOutcome");
  return outcome.issue[0]?.details.coding[0]?.code ?? "none";
}

interface BundleShape {
  readonly resourceType: "Bundle";
  readonly type: string;
  readonly total: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly resource?: { readonly id: string; readonly resourceType: string };
    readonly response?: { readonly status: string; readonly location?: string };
  }[];
}

const idsIn = (got: Got): readonly string[] =>
  (parsed<BundleShape>(got).entry ?? []).map(({ resource }) => resource?.id ?? "");

test("what is created is read back, to the digit, at the address that was told", async (t) => {
  const { ask } = await scene(t);
  const body = `{"resourceType":"Observation","id":"mine","status":"final","code":{"text":"x"},
    "subject":{"reference":"Patient/ana"},"valueQuantity":{"value":1.10,"unit":"g"}}`;
  const created = await ask("POST", "/fhir/Observation", { body });
  assert.equal(created.status, 201, created.text);
  const { id } = parsed<Observation>(created);
  assert.notEqual(id, "mine", "the server gives the id");
  assert.equal(
    created.headers["location"],
    `https://localhost:8443/fhir/Observation/${id}/_history/1`,
  );
  const read = await ask("GET", `/fhir/Observation/${id}`);
  assert.equal(read.text, created.text);
  assert.ok(read.text.includes("1.10"));
  assert.ok(Date.parse(String(read.headers["last-modified"])) > 0);
});

test("versions count up, stay readable, and a stale If-Match changes nothing", async (t) => {
  const { ask } = await scene(t);
  const path = "/fhir/Observation/lab-1";
  const changed = { ...lab("lab-1", "ana", 1), status: "amended" };
  const first = await ask("PUT", path, { ...json(changed), headers: { "if-match": 'W/"1"' } });
  assert.deepEqual([first.status, first.headers["etag"]], [200, 'W/"2"']);
  const stale = await ask("PUT", path, { ...json(changed), headers: { "if-match": 'W/"1"' } });
  assert.deepEqual([stale.status, codeOf(stale)], [412, "version-conflict"]);
  const old = await ask("GET", `${path}/_history/1`);
  assert.equal(parsed<Observation>(old).status, "preliminary");
  const history = parsed<BundleShape>(await ask("GET", `${path}/_history`));
  assert.deepEqual([history.type, history.total], ["history", 2]);
  assert.equal((await ask("GET", `${path}/_history/3`)).status, 404);
});

test("of two writers who read the same version one is told, and neither change is lost unseen", async (t) => {
  const { ask } = await scene(t);
  const write = (status: string): Promise<Got> =>
    ask("PUT", "/fhir/Observation/lab-1", {
      ...json({ ...lab("lab-1", "ana", 1), status }),
      headers: { "if-match": 'W/"1"' },
    });
  const both = await Promise.all([write("amended"), write("corrected")]);
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 412],
  );
});

test("a deleted resource is gone, found by no search, and still in its history", async (t) => {
  const { ask } = await scene(t);
  const path = "/fhir/Observation/lab-1";
  assert.equal((await ask("DELETE", path)).status, 204);
  const gone = await ask("GET", path);
  assert.deepEqual([gone.status, codeOf(gone)], [410, "gone"]);
  assert.equal((await ask("DELETE", path)).status, 204);
  assert.ok(!idsIn(await ask("GET", "/fhir/Observation?patient=ana")).includes("lab-1"));
  assert.equal((await ask("GET", `${path}/_history/1`)).status, 200);
  const history = await ask("GET", `${path}/_history`);
  assert.ok(history.text.includes('"method":"DELETE"'));
  const back = await ask("PUT", path, json(lab("lab-1", "ana", 1)));
  assert.deepEqual([back.status, back.headers["etag"]], [201, 'W/"3"']);
});

test("a caller who prefers as little as possible gets no body back", async (t) => {
  const { ask } = await scene(t);
  const got = await ask("POST", "/fhir/Observation", {
    ...json(lab("x", "ana", 1)),
    headers: { prefer: "return=minimal" },
  });
  assert.deepEqual([got.status, got.text], [201, ""]);
});

test("a search finds by parameters, within the patient it names", async (t) => {
  const { ask } = await scene(t);
  const find = async (query: string): Promise<readonly string[]> =>
    [...idsIn(await ask("GET", `/fhir/Observation?patient=ana&${query}`))].sort();
  assert.deepEqual(await find("code=718-7"), ["lab-1", "lab-2", "lab-3", "lab-4", "lab-5"]);
  assert.deepEqual(await find("code=http://loinc.org|999-9"), []);
  assert.deepEqual(await find("status=final"), ["lab-2", "lab-4"]);
  assert.deepEqual(await find("date=ge2024-03-03&status=preliminary"), ["lab-3", "lab-5"]);
  assert.deepEqual(await find("_id=lab-4,ben-lab"), ["lab-4"]);
  const others = await ask("GET", "/fhir/Observation?patient=ben");
  const nobodys = await ask("GET", "/fhir/Observation?patient=nobody");
  assert.deepEqual([others.status, others.text], [403, nobodys.text]);
});

test("pages follow each other without gap or repetition, by links that tell nothing", async (t) => {
  const { ask, world, ana } = await scene(t);
  const seen: string[] = [];
  let path: string | null =
    "/fhir/Observation?patient=ana&_sort=-date&_count=2&status=final,preliminary";
  let second = "";
  while (path !== null) {
    const got = await ask("GET", path);
    assert.equal(got.status, 200, got.text);
    seen.push(...idsIn(got));
    const next = parsed<BundleShape>(got).link.find(({ relation }) => relation === "next");
    path = next === undefined ? null : next.url.replace("https://localhost:8443", "");
    if (path !== null) {
      second = path;
      assert.match(path, /^\/fhir\/Observation\?_cursor=[A-Za-z0-9._-]+$/);
    }
  }
  assert.deepEqual(seen, ["lab-5", "lab-4", "lab-3", "lab-2", "lab-1"]);
  const stolen = await world.askAs(ana, "GET", second);
  assert.deepEqual([stolen.status, codeOf(stolen)], [400, "parameter-invalid"]);
});

test("a search by form keeps its terms out of the address", async (t) => {
  const { ask } = await scene(t);
  const got = await ask("POST", "/fhir/Observation/_search", {
    body: "patient=ana&status=final&_count=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  assert.equal(got.status, 200, got.text);
  assert.deepEqual([idsIn(got).length, parsed<BundleShape>(got).total], [1, 2]);
  const wrong = await ask("POST", "/fhir/Observation/_search", { body: "{}" });
  assert.deepEqual([wrong.status, codeOf(wrong)], [415, "media-type-unsupported"]);
});

test("a clinician's list holds her patients, and each shown is logged by herself", async (t) => {
  const { ask, world } = await scene(t);
  assert.deepEqual(idsIn(await ask("GET", "/fhir/Patient")), ["ana"]);
  assert.deepEqual(idsIn(await ask("GET", "/fhir/Patient?name=an")), ["ana"]);
  const before = (await world.entries()).length;
  assert.deepEqual(idsIn(await ask("GET", "/fhir/Patient?name=ode")), []);
  const [entry] = (await world.entries()).slice(before);
  assert.deepEqual([entry?.action, entry?.count], ["search", 0]);
});

test("a list of several patients makes one entry for each of them", async (t) => {
  const { ask, world } = await scene(t);
  const more = Array.from({ length: 6 }, (_, n) => `p${n}`);
  await world.bring(
    more.flatMap((id) => [
      { resourceType: "Patient", id, name: [{ family: `Family ${id}` }] },
      {
        resourceType: "CareTeam",
        id: `team-${id}`,
        status: "active",
        subject: { reference: `Patient/${id}` },
        participant: [{ member: { reference: "Practitioner/doc" } }],
      },
    ]),
  );
  const before = (await world.entries()).length;
  const got = await ask("GET", "/fhir/Patient?_sort=family");
  assert.deepEqual(idsIn(got), [...more, "ana"]);
  const searches = (await world.entries())
    .slice(before)
    .filter(({ action }) => action === "search");
  assert.equal(searches.length, 7);
  assert.equal(new Set(searches.map(({ patient }) => patient)).size, 7);
});

test("a patient's own search needs no name, and finds nobody else's", async (t) => {
  const { world, ana } = await scene(t);
  const got = await world.askAs(ana, "GET", "/fhir/Observation?_sort=date");
  assert.deepEqual(idsIn(got), ["lab-1", "lab-2", "lab-3", "lab-4", "lab-5"]);
  assert.deepEqual(idsIn(await world.askAs(ana, "GET", "/fhir/Patient")), ["ana"]);
  const practitioner = await world.askAs(ana, "GET", "/fhir/Practitioner?name=okafor");
  assert.deepEqual(idsIn(practitioner), ["doc"]);
});

test("a search for everyone's data of a type is refused to staff", async (t) => {
  const { ask } = await scene(t);
  const got = await ask("GET", "/fhir/Observation");
  assert.deepEqual([got.status, codeOf(got)], [400, "parameter-invalid"]);
});

const entryOf = (resource: object, request: object, fullUrl?: string): object => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  resource,
  request,
});

const transaction = (entry: readonly object[], type = "transaction"): AskOptions =>
  json({ resourceType: "Bundle", type, entry });

test("a transaction is done as a whole, its inner references made literal", async (t) => {
  const { ask } = await scene(t);
  const got = await ask(
    "POST",
    "/fhir",
    transaction([
      entryOf(
        {
          resourceType: "Condition",
          subject: { reference: "Patient/ana" },
          evidence: [{ detail: [{ reference: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e" }] }],
        },
        { method: "POST", url: "Condition" },
      ),
      entryOf(
        lab("ignored", "ana", 9),
        { method: "POST", url: "Observation" },
        "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e",
      ),
      entryOf(
        { ...lab("lab-1", "ana", 1), status: "amended" },
        { method: "PUT", url: "Observation/lab-1" },
      ),
      { request: { method: "DELETE", url: "Observation/lab-2" } },
    ]),
  );
  assert.equal(got.status, 200, got.text);
  const bundle = parsed<BundleShape>(got);
  assert.equal(bundle.type, "transaction-response");
  assert.deepEqual(
    bundle.entry?.map(({ response }) => response?.status.slice(0, 3)),
    ["201", "201", "200", "204"],
  );
  const at = (index: number): string =>
    (bundle.entry?.[index]?.response?.location ?? "")
      .replace("https://localhost:8443", "")
      .replace(/\/_history.*/, "");
  const condition = await ask("GET", at(0));
  assert.ok(condition.text.includes(at(1).replace("/fhir/", "")), condition.text);
  assert.equal((await ask("GET", "/fhir/Observation/lab-2")).status, 410);
});

test("one bad entry of a transaction keeps all of it out, and is named", async (t) => {
  const { ask, world } = await scene(t);
  const counted = async (): Promise<number> =>
    (await world.db.query("SELECT FROM records.resource")).length;
  const before = await counted();
  const good = entryOf(lab("x", "ana", 1), { method: "POST", url: "Observation" });
  for (const [bad, status, code] of [
    [entryOf(lab("x", "ben", 1), { method: "POST", url: "Observation" }), 403, "forbidden"],
    [
      entryOf(lab("lab-1", "ana", 1), {
        method: "PUT",
        url: "Observation/lab-1",
        ifMatch: 'W/"7"',
      }),
      412,
      "version-conflict",
    ],
    [
      entryOf({ ...lab("x", "ana", 1), status: 7 }, { method: "POST", url: "Observation" }),
      422,
      "resource-invalid",
    ],
  ] as const) {
    const got = await ask("POST", "/fhir", transaction([good, bad]));
    assert.deepEqual([got.status, codeOf(got)], [status, code]);
    assert.ok(got.text.includes("Bundle.entry[1]"), got.text);
    assert.equal(await counted(), before);
  }
});

test("in a batch each entry stands alone, readings among them", async (t) => {
  const { ask, world } = await scene(t);
  const before = (await world.entries()).length;
  const got = await ask(
    "POST",
    "/fhir",
    transaction(
      [
        { request: { method: "GET", url: "Observation/lab-1" } },
        { request: { method: "GET", url: "Observation/ben-lab" } },
        { request: { method: "GET", url: "Observation?patient=ana&status=final" } },
        entryOf(lab("x", "ana", 1), { method: "POST", url: "Observation" }),
        entryOf(lab("lab-1", "ana", 1), {
          method: "PUT",
          url: "Observation/lab-1",
          ifMatch: 'W/"7"',
        }),
      ],
      "batch",
    ),
  );
  assert.equal(got.status, 200, got.text);
  const bundle = parsed<BundleShape>(got);
  assert.deepEqual(
    bundle.entry?.map(({ response }) => response?.status.slice(0, 3)),
    ["200", "403", "200", "201", "412"],
  );
  const decisions = (await world.entries())
    .slice(before)
    .map(({ action, decision }) => `${action} ${decision}`);
  assert.deepEqual(decisions.toSorted(), [
    "create permit",
    "read deny",
    "read permit",
    "search permit",
    "update error",
  ]);
});

test("a reference to a patient who does not exist is refused as missing or not permitted", async (t) => {
  const { ask } = await scene(t);
  const got = await ask("POST", "/fhir/Observation", json(lab("x", "nobody", 1)));
  assert.deepEqual([got.status, codeOf(got)], [403, "forbidden"]);
});

test("a resource is not moved to another patient", async (t) => {
  const { ask, world } = await scene(t);
  await world.bring([
    {
      resourceType: "CareTeam",
      id: "team-ben",
      status: "active",
      subject: { reference: "Patient/ben" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const got = await ask("PUT", "/fhir/Observation/lab-1", json(lab("lab-1", "ben", 1)));
  assert.deepEqual([got.status, codeOf(got)], [422, "compartment-unclear"]);
});

const deep = `{"resourceType":"Observation","x":${"[".repeat(10_000)}${"]".repeat(10_000)}}`;

for (const [what, body, status, code] of [
  ["broken JSON", '{"resourceType":"Observation"', 400, "json-broken"],
  ["an empty body", "", 400, "json-broken"],
  ["a body that is not UTF-8", Buffer.from([0x22, 0xff, 0x22]), 400, "json-broken"],
  ["10,000 levels of nesting", deep, 400, "json-too-deep"],
  ["one key twice", '{"resourceType":"Observation","id":"a","id":"b"}', 400, "json-duplicate-key"],
  ["another resource type", '{"resourceType":"Patient"}', 400, "resource-type-mismatch"],
  ["an array", "[]", 422, "resource-invalid"],
  ["a resource against R4", '{"resourceType":"Observation"}', 422, "resource-invalid"],
] as const)
  test(`${what} is answered with ${code}, and the connection lives on`, async (t) => {
    const { ask } = await scene(t);
    const got = await ask("POST", "/fhir/Observation", {
      body,
      headers: { "content-type": "application/fhir+json" },
    });
    assert.deepEqual([got.status, codeOf(got)], [status, code], got.text);
    assert.equal((await ask("GET", "/fhir/Observation/lab-1")).status, 200);
  });

test("a body of 100 MB is refused without being read, and others are served on", async (t) => {
  const { ask } = await scene(t);
  const got = await ask("POST", "/fhir/Observation", {
    body: Buffer.alloc(100 * 1024 * 1024, " "),
  });
  assert.deepEqual([got.status, codeOf(got)], [413, "body-too-large"]);
  assert.ok(100 * 1024 * 1024 > limits.bodyBytes);
  assert.equal((await ask("GET", "/fhir/Observation/lab-1")).status, 200);
});

for (const [what, method, path, options, status, code] of [
  [
    "a body of another type",
    "POST",
    "/fhir/Observation",
    { body: "{}", headers: { "content-type": "text/plain" } },
    415,
    "media-type-unsupported",
  ],
  [
    "a wish for XML",
    "GET",
    "/fhir/Observation/lab-1",
    { headers: { accept: "application/fhir+xml" } },
    406,
    "not-acceptable",
  ],
  [
    "an id that is not the address's",
    "PUT",
    "/fhir/Observation/lab-1",
    json(lab("lab-2", "ana", 1)),
    400,
    "resource-id-mismatch",
  ],
  ["an unknown type", "GET", "/fhir/Spaceship/1", {}, 404, "resource-type-unknown"],
  ["a carrier that cannot be stored", "GET", "/fhir/Bundle/1", {}, 404, "resource-type-unknown"],
  [
    "an unknown parameter",
    "GET",
    "/fhir/Observation?patient=ana&shoe-size=9",
    {},
    400,
    "parameter-unknown",
  ],
  [
    "a value that is none",
    "GET",
    "/fhir/Observation?patient=ana&date=soon",
    {},
    400,
    "parameter-invalid",
  ],
  [
    "a cursor that is none",
    "GET",
    "/fhir/Observation?_cursor=1.AAAA",
    {},
    400,
    "parameter-invalid",
  ],
  [
    "an If-Match that names no version",
    "DELETE",
    "/fhir/Observation/lab-1",
    { headers: { "if-match": "*" } },
    400,
    "parameter-invalid",
  ],
  [
    "a condition of an unknown parameter",
    "POST",
    "/fhir/Observation",
    { ...json(lab("x", "ana", 1)), headers: { "if-none-exist": "a=b" } },
    400,
    "parameter-unknown",
  ],
  [
    "a method that is not there",
    "PATCH",
    "/fhir/Observation/lab-1/_history",
    {},
    405,
    "method-not-allowed",
  ],
  [
    "an address that is not there",
    "GET",
    "/fhir/Observation/lab-1/$everything",
    {},
    404,
    "not-found",
  ],
] as const satisfies readonly (readonly [
  string,
  Dispatcher.HttpMethod,
  string,
  AskOptions,
  number,
  string,
])[])
  test(`${what} is answered with ${code}`, async (t) => {
    const { ask } = await scene(t);
    const got = await ask(method, path, options);
    assert.deepEqual([got.status, codeOf(got)], [status, code], got.text);
  });

test("anyone may read what the server can do and the log's newest checkpoint", async (t) => {
  const { world } = await scene(t);
  const metadata = await world.ask("GET", "/fhir/metadata");
  assert.equal(metadata.status, 200);
  assert.equal(parsed<{ resourceType: string }>(metadata).resourceType, "CapabilityStatement");
  const checkpoint = await world.ask("GET", "/api/records/log");
  assert.equal(checkpoint.status, 200);
  assert.match(checkpoint.text, new RegExp(`^phylax/${world.database.tenant}/records\n\\d+\n`));
});

test("HEAD says what GET would, without the body", async (t) => {
  const { ask } = await scene(t);
  const got = await ask("HEAD", "/fhir/Observation/lab-1");
  assert.deepEqual([got.status, got.headers["etag"], got.text], [200, 'W/"1"', ""]);
});
