import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Dispatcher } from "undici";
import { testWorld, type AskOptions, type Got, type TestWorld } from "#records/testing.ts";

interface Scene {
  readonly world: TestWorld;
  readonly ask: (method: Dispatcher.HttpMethod, path: string, options?: AskOptions) => Promise<Got>;
}

const lab = {
  resourceType: "Observation",
  id: "lab",
  status: "preliminary",
  identifier: [{ system: "urn:lab", value: "1" }],
  code: { text: "x" },
  subject: { reference: "Patient/ana" },
};

/** A doctor who cares for Ana, and asks. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    lab,
    { ...lab, id: "bens", subject: { reference: "Patient/ben" } },
    {
      resourceType: "CareTeam",
      id: "team",
      status: "active",
      subject: { reference: "Patient/ana" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  const doctor = await world.person({ roles: ["clinician"], practitioner: "doc" });
  return { world, ask: (...asked) => world.askAs(doctor, ...asked) };
}

const jsonPatch = (patch: unknown, headers: Record<string, string> = {}): AskOptions => ({
  body: typeof patch === "string" ? patch : JSON.stringify(patch),
  headers: { "content-type": "application/json-patch+json", ...headers },
});
const finished = [{ op: "replace", path: "/status", value: "final" }];

const fhirPath = (path: string, code: string): AskOptions => ({
  body: JSON.stringify({
    resourceType: "Parameters",
    parameter: [
      {
        name: "operation",
        part: [
          { name: "type", valueCode: "replace" },
          { name: "path", valueString: path },
          { name: "value", valueCode: code },
        ],
      },
    ],
  }),
});

function codeOf({ text }: Got): string {
  const { issue } = JSON.parse(text) as { issue: { details: { coding: { code: string }[] } }[] };
  return issue[0]?.details.coding[0]?.code ?? "none";
}
const statusOf = ({ text }: Got): string => (JSON.parse(text) as { status: string }).status;
const path = "/fhir/Observation/lab";

test("a JSON Patch and a FHIRPath Patch make new versions, and keep every digit", async (t) => {
  const { ask } = await scene(t);
  const value = '[{"op":"add","path":"/valueQuantity","value":{"value":1.10}}]';
  const first = await ask("PATCH", path, jsonPatch(value));
  assert.deepEqual([first.status, first.headers["etag"]], [200, 'W/"2"'], first.text);
  const second = await ask("PATCH", path, fhirPath("Observation.status", "final"));
  assert.deepEqual([second.status, second.headers["etag"]], [200, 'W/"3"'], second.text);
  const read = await ask("GET", path);
  assert.equal(read.text, second.text);
  assert.ok(read.text.includes('"value":1.10}'));
  assert.equal(statusOf(read), "final");
});

test("a patch is logged as what it is: a reading and an update", async (t) => {
  const { ask, world } = await scene(t);
  const before = (await world.entries()).length;
  await ask("PATCH", path, jsonPatch(finished));
  const told = (await world.entries()).slice(before);
  assert.deepEqual(
    told.map(({ action, decision, resourceVersion }) => [action, decision, resourceVersion]),
    [
      ["read", "permit", 1],
      ["update", "permit", 2],
    ],
  );
});

test("a stale If-Match changes nothing, and of two patches at once none is lost unseen", async (t) => {
  const { ask } = await scene(t);
  const stale = await ask("PATCH", path, jsonPatch(finished, { "if-match": 'W/"7"' }));
  assert.deepEqual([stale.status, codeOf(stale)], [412, "version-conflict"]);
  const patches = ["a", "b", "c", "d"].map((text) =>
    ask("PATCH", path, jsonPatch([{ op: "add", path: "/note", value: [{ text }] }])),
  );
  const done = await Promise.all(patches);
  const taken = done.filter(({ status }) => status === 200);
  for (const got of done.filter(({ status }) => status !== 200))
    assert.deepEqual([got.status, codeOf(got)], [409, "edit-conflict"]);
  assert.equal((await ask("GET", path)).headers["etag"], `W/"${taken.length + 1}"`);
});

test("a patch by condition changes the one that meets it", async (t) => {
  const { ask } = await scene(t);
  const where = (number: string): string =>
    `/fhir/Observation?patient=ana&identifier=urn:lab%7C${number}`;
  const got = await ask("PATCH", where("1"), jsonPatch(finished));
  assert.deepEqual([got.status, statusOf(got)], [200, "final"], got.text);
  const none = await ask("PATCH", where("2"), jsonPatch(finished));
  assert.deepEqual([none.status, codeOf(none)], [404, "not-found"]);
  const stale = await ask("PATCH", where("1"), jsonPatch(finished, { "if-match": 'W/"1"' }));
  assert.deepEqual([stale.status, codeOf(stale)], [412, "version-conflict"]);
});

for (const [what, patch, status, code] of [
  ["makes a resource that is none", [{ op: "remove", path: "/code" }], 422, "resource-invalid"],
  ["changes the id", [{ op: "replace", path: "/id", value: "x" }], 400, "resource-id-mismatch"],
  [
    "changes the type",
    [{ op: "replace", path: "/resourceType", value: "Patient" }],
    400,
    "resource-type-mismatch",
  ],
  [
    "moves it to another's record",
    [{ op: "replace", path: "/subject/reference", value: "Patient/ben" }],
    403,
    "forbidden",
  ],
  ["fails a test", [{ op: "test", path: "/status", value: "x" }], 422, "patch-refused"],
  ["is no JSON", "[", 400, "json-broken"],
] as const)
  test(`a patch that ${what} is refused, and nothing is changed`, async (t) => {
    const { ask } = await scene(t);
    const got = await ask("PATCH", path, jsonPatch(patch));
    assert.deepEqual([got.status, codeOf(got)], [status, code], got.text);
    assert.equal((await ask("GET", path)).headers["etag"], 'W/"1"');
  });

test("a patch of another media type, or of what may not be seen, is refused", async (t) => {
  const { ask } = await scene(t);
  const xml = await ask("PATCH", path, {
    body: "<x/>",
    headers: { "content-type": "application/xml-patch+xml" },
  });
  assert.deepEqual([xml.status, codeOf(xml)], [415, "media-type-unsupported"]);
  const bens = await ask("PATCH", "/fhir/Observation/bens", jsonPatch(finished));
  assert.deepEqual([bens.status, codeOf(bens)], [403, "forbidden"]);
  const gone = await ask("DELETE", path);
  assert.equal(gone.status, 204);
  assert.equal(codeOf(await ask("PATCH", path, jsonPatch(finished))), "gone");
  assert.equal(
    codeOf(await ask("PATCH", "/fhir/Observation/no", jsonPatch(finished))),
    "not-found",
  );
});
