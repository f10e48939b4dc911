import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

interface Entry {
  readonly resource: { readonly resourceType: string; readonly id: string };
  readonly search: {
    readonly mode: string;
    readonly score: number;
    readonly extension: readonly { readonly valueCode: string }[];
  };
}

const ana = {
  resourceType: "Patient",
  id: "ana",
  identifier: [{ system: "urn:example:mrn", value: "M-1" }],
  name: [{ family: "García", given: ["Ana"] }],
  gender: "female",
  birthDate: "1980-05-03",
  telecom: [{ system: "email", value: "ana.garcia@example.com" }],
  address: [{ line: ["1 Elm Street"], postalCode: "02139" }],
};

const people = [
  ana,
  // Her daughter, of the same name and home.
  { ...ana, id: "anita", identifier: undefined, birthDate: "2006-10-16", telecom: undefined },
  {
    ...ana,
    id: "peter",
    identifier: undefined,
    name: [{ family: "Berg", given: ["Peter"] }],
    gender: "male",
    birthDate: "1955-01-30",
    telecom: undefined,
  },
];

interface Clinic {
  readonly world: TestWorld;
  readonly officer: TestPerson;
  readonly clinician: TestPerson;
  readonly match: (person: TestPerson, body: object) => Promise<Got>;
}

async function clinic(t: TestContext): Promise<Clinic> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "doc" },
    ...people,
    {
      resourceType: "CareTeam",
      id: "team-peter",
      status: "active",
      subject: { reference: "Patient/peter" },
      participant: [{ member: { reference: "Practitioner/doc" } }],
    },
  ]);
  return {
    world,
    officer: await world.person({ roles: ["privacy-officer"] }),
    clinician: await world.person({ roles: ["clinician"], practitioner: "doc" }),
    match: (person, body) =>
      world.askAs(person, "POST", "/fhir/Patient/$match", { body: JSON.stringify(body) }),
  };
}

const asking = (patient: object, ...more: readonly object[]): object => ({
  resourceType: "Parameters",
  parameter: [{ name: "resource", resource: patient }, ...more],
});
const { id: _id, identifier: _identifier, ...described } = ana;

function entriesIn(got: Got): readonly Entry[] {
  assert.equal(got.status, 200, got.text);
  return (JSON.parse(got.text) as { entry?: readonly Entry[] }).entry ?? [];
}

const summary = (entries: readonly Entry[]): readonly unknown[] =>
  entries.map(({ resource, search }) => [resource.id, search.extension[0]?.valueCode]);

suite("Patient/$match", () => {
  test("a person described with a slip and another record number is found, with score and grade", async (t) => {
    const { match, officer } = await clinic(t);
    const name = [{ family: "Garica", given: ["Ana"] }];
    const birthDate = "1980-03-05";
    const entries = entriesIn(await match(officer, asking({ ...described, name, birthDate })));
    assert.equal(entries[0]?.resource.id, "ana");
    assert.equal(entries[0].search.mode, "match");
    assert.ok(entries[0].search.score > 0.9 && entries[0].search.score <= 1);
    assert.ok(["certain", "probable"].includes(entries[0].search.extension[0]?.valueCode ?? ""));
    assert.ok(!entries.some(({ resource }) => resource.id === "anita"));
  });

  test("only certain matches are the single likeliest, or none", async (t) => {
    const { match, officer } = await clinic(t);
    const only = { name: "onlyCertainMatches", valueBoolean: true };
    assert.deepEqual(summary(entriesIn(await match(officer, asking(described, only)))), [
      ["ana", "certain"],
    ]);
    const { birthDate: _, telecom: __, ...vague } = described;
    assert.deepEqual(entriesIn(await match(officer, asking(vague, only))), []);
  });

  test("count limits the matches, and a Patient alone stands for Parameters", async (t) => {
    const { match, officer } = await clinic(t);
    const count = { name: "count", valueInteger: 1 };
    assert.equal(entriesIn(await match(officer, asking(described, count))).length, 1);
    assert.equal(entriesIn(await match(officer, described))[0]?.resource.id, "ana");
  });

  test("a clinician learns of those in her care alone", async (t) => {
    const { match, clinician } = await clinic(t);
    assert.deepEqual(entriesIn(await match(clinician, asking(described))), []);
    const peter = {
      ...described,
      name: [{ family: "Berg", given: ["Peter"] }],
      birthDate: "1955-01-30",
      gender: "male",
    };
    const found = entriesIn(await match(clinician, asking(peter)));
    assert.deepEqual(
      found.map(({ resource }) => resource.id),
      ["peter"],
    );
  });

  test("a patient, and whoever runs the system, may not ask", async (t) => {
    const { match, world } = await clinic(t);
    for (const roles of [["patient"], ["administrator"], ["security-operator"]]) {
      const person = await world.person({ roles, patients: ["ana"] });
      assert.equal((await match(person, asking(described))).status, 403);
    }
  });

  test("each patient shown is in the log, and so is an answer that shows nobody", async (t) => {
    const { match, officer, world } = await clinic(t);
    await match(officer, asking(described));
    await match(
      officer,
      asking({
        ...described,
        name: [{ family: "Zzyzx" }],
        birthDate: "1901-01-01",
        telecom: undefined,
      }),
    );
    const entries = (await world.entries()).filter(({ action }) => action === "match");
    assert.deepEqual(
      entries.map(({ decision, resourceId, count, purpose }) => [
        decision,
        resourceId,
        count,
        purpose,
      ]),
      [
        ["permit", "ana", 1, "HOPERAT"],
        ["permit", null, 0, "HOPERAT"],
      ],
    );
    assert.doesNotMatch(JSON.stringify(entries), /Garc|1980-05-03|example\.com/);
  });

  const wrong: readonly [string, object, number][] = [
    ["no Patient at all", { resourceType: "Parameters", parameter: [] }, 422],
    ["another resource", asking({ resourceType: "Practitioner" }), 400],
    ["a Patient that is none", asking({ resourceType: "Patient", birthDate: "soon" }), 422],
    ["an unknown parameter", asking(described, { name: "fuzzy", valueBoolean: true }), 400],
    ["a count of nothing", asking(described, { name: "count", valueInteger: 0 }), 400],
    [
      "a parameter twice",
      asking(described, { name: "count", valueInteger: 1 }, { name: "count", valueInteger: 1 }),
      400,
    ],
    ["another body", { resourceType: "Bundle", type: "batch" }, 400],
  ];
  test("what is not asked as R4 says is refused, and nothing is repeated", async (t) => {
    const { match, officer } = await clinic(t);
    for (const [name, body, status] of wrong) {
      const got = await match(officer, body);
      assert.equal(got.status, status, `${name}: ${got.text}`);
      assert.doesNotMatch(got.text, /Garc|soon/);
    }
  });
});
