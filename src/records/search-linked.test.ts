import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { includeLimits } from "#records/search-includes.ts";
import { joinLimits } from "#records/search-joins.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const patient = (id: string, family: string): object => ({
  resourceType: "Patient",
  id,
  identifier: [{ system: "urn:example:mrn", value: `M-${id}` }],
  name: [{ family }],
  generalPractitioner: [{ reference: "Practitioner/doc" }],
});

const team = (of: string): object => ({
  resourceType: "CareTeam",
  id: `team-${of}`,
  status: "active",
  subject: { reference: `Patient/${of}` },
  participant: [{ member: { reference: "Practitioner/doc" } }],
});

const visit = (id: string, of: string, more: object = {}): object => ({
  resourceType: "Encounter",
  id,
  status: "finished",
  class: { code: "AMB" },
  subject: { reference: `Patient/${of}` },
  ...more,
});

const lab = (id: string, of: string, more: object = {}): object => ({
  resourceType: "Observation",
  id,
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }] },
  subject: { reference: `Patient/${of}` },
  performer: [{ reference: "Practitioner/lab-doc" }],
  ...more,
});

const seen = (id: string): object => ({ encounter: { reference: `Encounter/${id}` } });

interface Scene {
  readonly world: TestWorld;
  readonly doctor: TestPerson;
  readonly ana: TestPerson;
}

/** A doctor who cares for Ana and Cem, and not for Ben. */
async function scene(t: TestContext): Promise<Scene> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "doc", name: [{ family: "Okafor" }] },
    { resourceType: "Practitioner", id: "lab-doc", name: [{ family: "Lind" }] },
    {
      resourceType: "Organization",
      id: "ward",
      name: "Ward",
      partOf: { reference: "Organization/house" },
    },
    {
      resourceType: "Organization",
      id: "house",
      name: "House",
      partOf: { reference: "Organization/ward" },
    },
    patient("ana", "Ng"),
    patient("ben", "Ode"),
    patient("cem", "Ngata"),
    ...["ana", "cem"].map(team),
    visit("v-ana", "ana", { serviceProvider: { reference: "Organization/ward" } }),
    visit("v-ben", "ben"),
    lab("lab-ana", "ana", seen("v-ana")),
    lab("lab-ben", "ben", seen("v-ben")),
    lab("lab-cem", "cem", { code: { coding: [{ code: "2345-7" }] } }),
  ]);
  return {
    world,
    doctor: await world.person({ roles: ["clinician"], practitioner: "doc" }),
    ana: await world.person({ roles: ["patient"], patients: ["ana"] }),
  };
}

interface Answer {
  readonly total?: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly resource: { readonly resourceType: string; readonly id: string };
    readonly search: { readonly mode: string };
  }[];
}

function answerOf({ status, text }: Got): Answer {
  assert.equal(status, 200, text);
  return JSON.parse(text) as Answer;
}

const namesIn = (got: Got, mode: string): readonly string[] =>
  (answerOf(got).entry ?? [])
    .filter(({ search }) => search.mode === mode)
    .map(({ resource }) => `${resource.resourceType}/${resource.id}`)
    .sort();

const matchesIn = (got: Got): readonly string[] => namesIn(got, "match");
const includedIn = (got: Got): readonly string[] => namesIn(got, "include");

suite("chains", () => {
  test("a chain over the patient finds her first and looks into her record", async (t) => {
    const { world, doctor } = await scene(t);
    const find = async (query: string): Promise<readonly string[]> =>
      matchesIn(await world.askAs(doctor, "GET", `/fhir/Observation?${query}`));
    assert.deepEqual(await find("patient.identifier=M-cem"), ["Observation/lab-cem"]);
    assert.deepEqual(await find("subject:Patient.family=nga"), ["Observation/lab-cem"]);
    assert.deepEqual(await find("subject.identifier=M-cem"), ["Observation/lab-cem"]);
    assert.deepEqual(await find("patient.identifier=M-cem&code=718-7"), []);
    assert.deepEqual(await find("patient.identifier=M-ben"), []);
  });

  test("a chain over anything else is followed from what answers the rest", async (t) => {
    const { world, doctor } = await scene(t);
    const find = async (query: string): Promise<readonly string[]> =>
      matchesIn(await world.askAs(doctor, "GET", `/fhir/Observation?${query}`));
    assert.deepEqual(await find("patient=ana&encounter.class=AMB&code=718-7"), [
      "Observation/lab-ana",
    ]);
    assert.deepEqual(await find("patient=ana&encounter.class=IMP"), []);
    assert.deepEqual(await find("patient=cem&performer:Practitioner.family=Lind"), [
      "Observation/lab-cem",
    ]);
    assert.deepEqual(await find("patient=cem&performer:Practitioner.family=Okafor"), []);
  });

  test("_has keeps those to whom what is asked refers", async (t) => {
    const { world, doctor, ana } = await scene(t);
    const find = async (who: TestPerson, query: string): Promise<readonly string[]> =>
      matchesIn(await world.askAs(who, "GET", `/fhir/Patient?${query}`));
    assert.deepEqual(await find(doctor, "_has:Observation:patient:code=718-7"), ["Patient/ana"]);
    assert.deepEqual(await find(doctor, "_has:Observation:subject:code=2345-7"), ["Patient/cem"]);
    assert.deepEqual(await find(ana, "_has:Observation:patient:code=2345-7"), []);
    const byVisit = await world.askAs(
      doctor,
      "GET",
      "/fhir/Encounter?patient=ana&_has:Observation:encounter:code=718-7",
    );
    assert.deepEqual(matchesIn(byVisit), ["Encounter/v-ana"]);
  });

  test("the log tells what kind of data a chain gave away, of whom", async (t) => {
    const { world, doctor } = await scene(t);
    await world.askAs(doctor, "GET", "/fhir/Patient?_has:Observation:patient:code=718-7");
    const searches = (await world.entries()).filter(({ action }) => action === "search");
    const types = searches.map(({ resourceType }) => resourceType ?? "none").sort();
    assert.deepEqual(types, ["Observation", "Patient"]);
    assert.equal(new Set(searches.map((entry) => entry.patient)).size, 1);
  });

  test("a chain that leads nowhere, or over several steps, is refused by its name", async (t) => {
    const { world, doctor } = await scene(t);
    for (const query of [
      "patient.nothing=x",
      "status.name=x",
      "encounter.subject.name=x",
      "_has:Observation:nothing:code=x",
      "_has:Practitioner:patient:name=x",
    ]) {
      const got = await world.askAs(doctor, "GET", `/fhir/Observation?patient=ana&${query}`);
      assert.equal(got.status, 400, query);
      assert.match(got.text, /parameter-(?:unknown|invalid)/);
    }
  });

  test("a chain that would open too much is refused before it does", async (t) => {
    const { world, doctor } = await scene(t);
    const count = joinLimits.references + 1;
    const visits = Array.from({ length: count }, (_, at) => visit(`v-${at}`, "cem"));
    const labs = visits.map((_, at) => lab(`l-${at}`, "cem", seen(`v-${at}`)));
    for (let at = 0; at < count; at += 500)
      await world.bring([...visits.slice(at, at + 500), ...labs.slice(at, at + 500)]);
    const got = await world.askAs(
      doctor,
      "GET",
      "/fhir/Observation?patient=cem&encounter.class=AMB",
    );
    assert.equal(got.status, 422, got.text);
    assert.match(got.text, /too-costly/);
  });
});

suite("includes", () => {
  test("_include brings along what a match refers to, each once, and marks it", async (t) => {
    const { world, doctor } = await scene(t);
    const got = await world.askAs(
      doctor,
      "GET",
      "/fhir/Observation?patient=ana&_include=Observation:encounter&_include=Observation:subject&_include=Observation:performer",
    );
    assert.deepEqual(matchesIn(got), ["Observation/lab-ana"]);
    assert.deepEqual(includedIn(got), ["Encounter/v-ana", "Patient/ana", "Practitioner/lab-doc"]);
    assert.equal(answerOf(got).total, 1, "what is brought along is not counted");
  });

  test("_revinclude brings along what refers to a match", async (t) => {
    const { world, doctor } = await scene(t);
    const got = await world.askAs(
      doctor,
      "GET",
      "/fhir/Patient?_id=ana&_revinclude=Observation:patient&_revinclude=Encounter:patient",
    );
    assert.deepEqual(matchesIn(got), ["Patient/ana"]);
    assert.deepEqual(includedIn(got), ["Encounter/v-ana", "Observation/lab-ana"]);
    const ofDoctor = await world.askAs(
      doctor,
      "GET",
      "/fhir/Practitioner?_id=lab-doc&_revinclude=Observation:performer",
    );
    assert.deepEqual(includedIn(ofDoctor), ["Observation/lab-ana", "Observation/lab-cem"]);
  });

  test(":iterate goes on from what was brought along, and a cycle ends", async (t) => {
    const { world, doctor } = await scene(t);
    const path = "/fhir/Observation?patient=ana&_include=Observation:encounter";
    const once = await world.askAs(doctor, "GET", path);
    assert.deepEqual(includedIn(once), ["Encounter/v-ana"]);
    const on = await world.askAs(
      doctor,
      "GET",
      `${path}&_include:iterate=Encounter:service-provider&_include:iterate=Organization:partof`,
    );
    assert.deepEqual(includedIn(on), [
      "Encounter/v-ana",
      "Organization/house",
      "Organization/ward",
    ]);
    const all = await world.askAs(doctor, "GET", "/fhir/Observation?patient=ana&_include=*");
    assert.deepEqual(includedIn(all), ["Encounter/v-ana", "Patient/ana", "Practitioner/lab-doc"]);
  });

  test("what the caller may not see is left out, and what she sees is in the log", async (t) => {
    const { world, ana, doctor } = await scene(t);
    const security = [
      { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" },
    ];
    await world.bring([lab("lab-note", "ana", { ...seen("v-ana"), meta: { security } })]);
    const path = "/fhir/Encounter?_id=v-ana&patient=ana&_revinclude=Observation:encounter";
    assert.deepEqual(includedIn(await world.askAs(ana, "GET", path)), ["Observation/lab-ana"]);
    assert.deepEqual(includedIn(await world.askAs(doctor, "GET", path)), [
      "Observation/lab-ana",
      "Observation/lab-note",
    ]);
    const shown = (await world.entries()).filter(
      ({ action, resourceType }) => action === "search" && resourceType === "Observation",
    );
    assert.deepEqual(
      shown.map(({ actor, count, decision }) => [actor, count, decision]),
      [
        [ana.account, 1, "permit"],
        [doctor.account, 2, "permit"],
      ],
    );
  });

  test("what a token's scopes do not cover is not brought along", async (t) => {
    const { world } = await scene(t);
    const narrow = await world.person({
      roles: ["patient"],
      patients: ["ana"],
      scope: "patient/Observation.rs",
    });
    const got = await world.askAs(
      narrow,
      "GET",
      "/fhir/Observation?patient=ana&_include=Observation:encounter&_include=Observation:performer",
    );
    assert.deepEqual([matchesIn(got), includedIn(got)], [["Observation/lab-ana"], []]);
  });

  test("each page brings along its own", async (t) => {
    const { world, doctor } = await scene(t);
    await world.bring([visit("v-2", "ana"), lab("lab-2", "ana", seen("v-2"))]);
    const pages: (readonly string[])[] = [];
    let path: string | null =
      "/fhir/Observation?patient=ana&_sort=_id&_count=1&_include=Observation:encounter";
    while (path !== null) {
      const got = await world.askAs(doctor, "GET", path);
      pages.push([...matchesIn(got), ...includedIn(got)]);
      const next = answerOf(got).link.find(({ relation }) => relation === "next");
      path = next === undefined ? null : next.url.replace("https://localhost:8443", "");
    }
    assert.deepEqual(pages, [
      ["Observation/lab-2", "Encounter/v-2"],
      ["Observation/lab-ana", "Encounter/v-ana"],
    ]);
  });

  test("a page that would bring too much along is refused", async (t) => {
    const { world, doctor } = await scene(t);
    const labs = Array.from({ length: includeLimits.resources + 1 }, (_, at) =>
      lab(`l-${at}`, "cem"),
    );
    for (let at = 0; at < labs.length; at += 1_000) await world.bring(labs.slice(at, at + 1_000));
    const got = await world.askAs(
      doctor,
      "GET",
      "/fhir/Patient?_id=cem&_revinclude=Observation:patient",
    );
    assert.equal(got.status, 422, got.text);
    assert.match(got.text, /too-costly/);
    assert.equal(
      (
        await world.askAs(
          doctor,
          "GET",
          "/fhir/Patient?_id=cem&_count=0&_revinclude=Observation:patient",
        )
      ).status,
      200,
    );
  });
});

test("a page tells no total when it is not to, and shows what is asked of each", async (t) => {
  const { world, doctor } = await scene(t);
  const path = "/fhir/Observation?patient=ana";
  assert.equal(answerOf(await world.askAs(doctor, "GET", `${path}&_total=none`)).total, undefined);
  assert.equal(answerOf(await world.askAs(doctor, "GET", `${path}&_total=accurate`)).total, 1);
  const short = await world.askAs(doctor, "GET", `${path}&_elements=code`);
  assert.match(short.text, /SUBSETTED/);
  assert.doesNotMatch(short.text, /performer/);
});
