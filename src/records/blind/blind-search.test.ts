import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import type { Authorizer } from "#policy/authorizer.ts";
import { testWorld, type TestPerson, type TestWorld, type WorldChanges } from "#records/testing.ts";

const mrn = "urn:example:mrn";

function patient(
  id: string,
  about: { family: string; given: string; more?: Readonly<Record<string, unknown>> },
): object {
  return {
    resourceType: "Patient",
    id,
    identifier: [{ system: mrn, value: `M-${id}` }],
    name: [{ family: about.family, given: [about.given] }],
    ...about.more,
  };
}

const team = (id: string, practitioner: string): object => ({
  resourceType: "CareTeam",
  id: `team-${id}`,
  status: "active",
  subject: { reference: `Patient/${id}` },
  participant: [{ member: { reference: `Practitioner/${practitioner}` } }],
});

function idOf(text: string): ResourceId {
  const id = parseResourceId(text);
  assert.ok(id !== null);
  return id;
}

interface Clinic {
  readonly world: TestWorld;
  readonly clinician: TestPerson;
  readonly pseudonym: (id: string) => Pseudonym;
  /** Ids of the Patients found, in order of id; the status where the search was refused. */
  readonly find: (query: string, person?: TestPerson) => Promise<readonly string[] | number>;
}

const people: readonly object[] = [
  patient("ana", {
    family: "García",
    given: "Ana",
    more: {
      birthDate: "1980-05-03",
      telecom: [
        { system: "phone", value: "+1 (512) 555-0143", use: "mobile" },
        { system: "email", value: "Ana.Garcia@Example.com" },
      ],
    },
  }),
  patient("bea", { family: "Gardner", given: "Béatrice", more: { birthDate: "1980-05-21" } }),
  patient("cai", { family: "Schmidt", given: "Caitlin", more: { birthDate: "1980" } }),
  patient("dan", { family: "Li", given: "Dan", more: { birthDate: "1990-01-01" } }),
  patient("eve", { family: "García", given: "Eve", more: { birthDate: "1980-05-03" } }),
];

async function clinic(t: TestContext, changes: WorldChanges = {}): Promise<Clinic> {
  const world = await testWorld(t, changes);
  await world.bring([
    { resourceType: "Practitioner", id: "doc" },
    ...people,
    // Of all but Eve.
    ...["ana", "bea", "cai", "dan"].map((id) => team(id, "doc")),
  ]);
  const clinician = await world.person({ roles: ["clinician"], practitioner: "doc" });
  const find: Clinic["find"] = async (query, person = clinician) => {
    const got = await world.askAs(person, "GET", `/fhir/Patient?${query}`);
    if (got.status !== 200) return got.status;
    const bundle = JSON.parse(got.text) as {
      total: number;
      entry?: readonly { resource: { id: string } }[];
    };
    const ids = (bundle.entry ?? []).map(({ resource }) => resource.id).sort();
    assert.equal(bundle.total, ids.length);
    return ids;
  };
  return { world, clinician, find, pseudonym: (id) => world.vault.pseudonymOf(idOf(id)) };
}

// A policy of the deployment's own might let its registrars look for anybody.
const permitting = (real: Authorizer): Authorizer => ({
  ...real,
  decide: (request) =>
    request.person.roles.includes("service")
      ? { effect: "permit", policies: ["all-for-a-service"], obligations: [], asked: "all" }
      : real.decide(request),
});

suite("finding a Patient among all", () => {
  test("an identifier is found with its system, and by its value alone", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find(`identifier=${mrn}|M-ana`), ["ana"]);
    assert.deepEqual(await find("identifier=M-ana,M-bea"), ["ana", "bea"]);
    assert.deepEqual(await find("identifier=urn:other|M-ana"), []);
    assert.deepEqual(await find("identifier=|M-ana"), []);
  });

  test("names are found by their beginning, without case and accents", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find("family=gar"), ["ana", "bea"]);
    assert.deepEqual(await find("family=GARCI"), ["ana"]);
    assert.deepEqual(await find("given=beat"), ["bea"]);
    assert.deepEqual(await find("name=ana"), ["ana"]);
    assert.deepEqual(await find("family=gar&given=ana"), ["ana"]);
    assert.deepEqual(await find("family=rcia"), []);
  });

  test("less than three letters are looked for among the caller's own patients", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find("family=li"), ["dan"]);
    assert.deepEqual(await find("family=g"), ["ana", "bea"]);
  });

  test(":exact and :contains are compared on the opened Patient", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find("family:exact=Garc%C3%ADa"), ["ana"]);
    assert.deepEqual(await find("family:exact=Garcia"), []);
    assert.deepEqual(await find("family:exact=Li"), ["dan"]);
    assert.deepEqual(await find("family:contains=arc&birthdate=1980-05-03"), ["ana"]);
  });

  test("a name is found by how it sounds", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find("phonetic=Shmitt"), ["cai"]);
    assert.deepEqual(await find("phonetic=Kaitlyn"), ["cai"]);
    assert.equal(await find("phonetic=123"), 400);
  });

  test("a birth date is found by day, month and year", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find("birthdate=1980-05-03"), ["ana"]);
    assert.deepEqual(await find("birthdate=1980-05"), ["ana", "bea"]);
    assert.deepEqual(await find("birthdate=1980"), ["ana", "bea", "cai"]);
    assert.deepEqual(await find("birthdate=ge1980-05-10&birthdate=le1980-05-31"), ["bea", "cai"]);
  });

  test("telephone and e-mail are found however they are written", async (t) => {
    const { find } = await clinic(t);
    assert.deepEqual(await find("phone=512-555-0143"), ["ana"]);
    assert.deepEqual(await find("telecom=15125550143"), ["ana"]);
    assert.deepEqual(await find("phone=mobile|5125550143"), ["ana"]);
    assert.deepEqual(await find("phone=home|5125550143"), []);
    assert.deepEqual(await find("email=ana.garcia@example.com"), ["ana"]);
    assert.deepEqual(await find("telecom=ANA.GARCIA@EXAMPLE.COM"), ["ana"]);
    assert.deepEqual(await find("email=5125550143"), []);
  });

  test("a clinician does not learn that a patient outside her care exists", async (t) => {
    const { world, find } = await clinic(t);
    assert.deepEqual(await find(`identifier=${mrn}|M-eve`), []);
    assert.deepEqual(await find(`identifier=${mrn}|M-nobody`), []);
    assert.deepEqual(await find("family=garc"), ["ana"]);
    const searches = (await world.entries()).filter(({ action }) => action === "search");
    assert.ok(searches.every(({ decision }) => decision === "permit"));
  });

  test("a patient finds only herself, and one who may search nobody is refused", async (t) => {
    const { world, find } = await clinic(t);
    const eve = await world.person({ roles: ["patient"], patients: ["eve"] });
    assert.deepEqual(await find("family=garcia", eve), ["eve"]);
    assert.deepEqual(await find(`identifier=${mrn}|M-ana`, eve), []);
    const officer = await world.person({ roles: ["privacy-officer"] });
    assert.equal(await find(`identifier=${mrn}|M-ana`, officer), 403);
    assert.equal(await find(`identifier=${mrn}|M-nobody`, officer), 403);
  });

  test("what a Patient no longer is she is no longer found by, nor at all once deleted", async (t) => {
    const { world, clinician, find, pseudonym } = await clinic(t);
    const renamed = patient("ana", { family: "Ortiz", given: "Ana" });
    const body = JSON.stringify(renamed);
    const put = await world.askAs(clinician, "PUT", "/fhir/Patient/ana", { body });
    assert.equal(put.status, 200, put.text);
    assert.deepEqual(await find("family=garcia"), []);
    assert.deepEqual(await find("family=ortiz"), ["ana"]);
    const gone = await world.askAs(clinician, "DELETE", "/fhir/Patient/ana");
    assert.equal(gone.status, 204, gone.text);
    assert.deepEqual(await find("family=ortiz"), []);
    const [row] = await world.db.query<{ n: number }>(
      "SELECT count(*) AS n FROM records.blind_index WHERE compartment = $1",
      [pseudonym("ana")],
    );
    assert.equal(row?.n, 0);
  });

  test("who may look beyond her care finds everybody, by what is indexed alone", async (t) => {
    const { world, find } = await clinic(t, { authorizer: permitting });
    const registrar = await world.person({ roles: ["service"], scope: "system/*.cruds" });
    assert.deepEqual(await find("family=garc", registrar), ["ana", "eve"]);
    assert.deepEqual(await find(`identifier=${mrn}|M-eve`, registrar), ["eve"]);
    assert.deepEqual(await find("family:contains=arc&birthdate=1980-05-03", registrar), [
      "ana",
      "eve",
    ]);
    for (const query of ["family:contains=arc", "family=ga", "birthdate=ge1980", "gender=female"])
      assert.equal(await find(query, registrar), 400, query);
  });

  test("a search that too many answer is refused to who may see them all, and answered in care", async (t) => {
    const { world, find, pseudonym } = await clinic(t, { authorizer: permitting });
    // More than are looked through for an asker with patients of her own.
    const crowd = 4_001;
    await world.database.as("phylax_records", 1).query(
      `INSERT INTO records.blind_index (version, kind, token, compartment)
       SELECT version, kind, token, gen_random_uuid() FROM generate_series(1, $1), (
         SELECT version, kind, token FROM records.blind_index WHERE kind IN (3, 7)
         AND compartment = $2) ana`,
      [crowd, pseudonym("ana")],
    );
    assert.deepEqual(await find("family=garcia"), ["ana"]);
    const registrar = await world.person({ roles: ["service"], scope: "system/*.cruds" });
    assert.equal(await find("family=garcia", registrar), 400);
    assert.deepEqual(await find("family=garcia&given=eve", registrar), ["eve"]);
    assert.deepEqual(await find("birthdate=1980-05"), ["ana", "bea"]);
    assert.equal(await find("birthdate=1980-05", registrar), 400);
    assert.deepEqual(await find("birthdate=1980-05&given=an"), ["ana"]);
    assert.deepEqual(await find("phone=5125550143&birthdate=1980"), ["ana"]);
  });
});
