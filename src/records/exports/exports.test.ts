import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { CopyMade } from "#core/wire.ts";
import { copyLimits } from "#records/exports/make.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const path = "/api/records/exports";
const code = { text: "A lab test" };
const note = "She sleeps well again.";

function observation(id: string, more: object = {}): object {
  return {
    resourceType: "Observation",
    id,
    status: "final",
    code,
    subject: { reference: "Patient/ana" },
    ...more,
  };
}

async function chart(t: TestContext): Promise<{ world: TestWorld; ana: TestPerson }> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Practitioner", id: "lee", name: [{ family: "Lee" }] },
    { resourceType: "Patient", id: "ana", name: [{ given: ["Ana"], family: "Ruiz" }] },
    observation("o1", {
      performer: [{ reference: "Practitioner/lee" }],
      note: [{ text: note }],
      valueQuantity: { value: 1.5, unit: "mg" },
    }),
    observation("o2", {
      meta: {
        security: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSYTHPN" }],
      },
      note: [{ text: "A secret of hers" }],
    }),
  ]);
  const ana = await world.person({ roles: ["patient"], patients: ["ana"] });
  return { world, ana };
}

async function make(world: TestWorld, who: TestPerson, form: string): Promise<CopyMade> {
  const body = JSON.stringify({ patient: "ana", form });
  const got = await world.askAs(who, "POST", path, { body });
  assert.equal(got.status, 201, got.text);
  return JSON.parse(got.text) as CopyMade;
}

const fetched = (world: TestWorld, who: TestPerson, id: string, range?: string): Promise<Got> =>
  world.askAs(who, "GET", `${path}/${id}`, range === undefined ? {} : { headers: { range } });

test("a FHIR copy is a Bundle of the resources as they are stored", async (t) => {
  const { world, ana } = await chart(t);
  const copy = await make(world, ana, "fhir");
  assert.equal(copy.resources, 3);
  const got = await fetched(world, ana, copy.id);
  assert.equal(got.status, 200, got.text);
  assert.equal(got.headers["content-length"], String(copy.bytes));
  assert.match(String(got.headers["content-disposition"]), /^attachment; filename="health-record-/);
  const bundle = JSON.parse(got.text) as {
    readonly type: string;
    readonly entry: readonly { readonly resource: { readonly id: string } }[];
  };
  assert.equal(bundle.type, "collection");
  assert.deepEqual(
    bundle.entry.map(({ resource }) => resource.id),
    ["ana", "o1", "lee"],
  );
  const stored = await world.askAs(ana, "GET", "/fhir/Observation/o1");
  assert.ok(got.text.includes(stored.text), "to the character");
});

test("lines hold a resource each", async (t) => {
  const { world, ana } = await chart(t);
  const copy = await make(world, ana, "ndjson");
  const lines = (await fetched(world, ana, copy.id)).text.trim().split("\n");
  const types = lines.map((line) => (JSON.parse(line) as { resourceType: string }).resourceType);
  assert.deepEqual(types, ["Patient", "Observation", "Practitioner"]);
});

test("a page and a PDF say it to a person, without therapy notes", async (t) => {
  const { world, ana } = await chart(t);
  const page = await fetched(world, ana, (await make(world, ana, "web-page")).id);
  assert.match(String(page.headers["content-type"]), /^text\/html/);
  assert.match(
    page.text,
    /<h1>Health record of Ana Ruiz<\/h1>[^]*A lab test[^]*sleeps well[^]*<\/html>/,
  );
  assert.doesNotMatch(page.text, /secret of hers/);
  const pdf = await fetched(world, ana, (await make(world, ana, "pdf")).id);
  assert.equal(pdf.headers["content-type"], "application/pdf");
  assert.match(pdf.text, /^%PDF-[^]*%%EOF/);
});

test("what waits to be fetched lies sealed, and opens nowhere else", async (t) => {
  const { world, ana } = await chart(t);
  const [one, other] = [await make(world, ana, "fhir"), await make(world, ana, "web-page")];
  const rows = await world.db.query<{ sealed: Buffer }>("SELECT sealed FROM records.export_piece");
  assert.ok(rows.length >= 2);
  for (const { sealed } of rows) assert.ok(!sealed.includes("sleeps") && !sealed.includes("Ruiz"));
  await world.db.query("DELETE FROM records.export_piece WHERE export = $1", [one.id]);
  await world.db.query(
    `INSERT INTO records.export_piece
       SELECT tenant, $1::uuid, place, starts_at, bytes, dek_version, sealed, ends_at
       FROM records.export_piece WHERE export = $2`,
    [one.id, other.id],
  );
  const got = await fetched(world, ana, one.id);
  assert.deepEqual([got.status, /record-damaged/.test(got.text)], [500, true]);
});

test("a copy of several pieces can be gone on with from any byte", async (t) => {
  const { world, ana } = await chart(t);
  const text = "ü".repeat(20_000);
  await world.bring(
    Array.from({ length: 80 }, (_, n) => observation(`long-${n}`, { note: [{ text }] })),
  );
  const copy = await make(world, ana, "fhir");
  const pieces = await world.db.query("SELECT FROM records.export_piece");
  assert.ok(pieces.length >= 3, `${pieces.length} pieces`);
  const whole = Buffer.from((await fetched(world, ana, copy.id)).text);
  assert.equal(whole.length, copy.bytes);
  // ASCII lies around these places, so that no character is cut in two.
  const places = [1, 7, whole.indexOf('"long-40"'), whole.indexOf('"long-79"'), copy.bytes - 1];
  for (const from of places) {
    const got = await fetched(world, ana, copy.id, `bytes=${from}-`);
    assert.equal(got.status, 206);
    assert.equal(got.headers["content-range"], `bytes ${from}-${copy.bytes - 1}/${copy.bytes}`);
    assert.ok(Buffer.from(got.text).equals(whole.subarray(from)), `from ${from}`);
  }
  for (const range of ["bytes=0-5", `bytes=${copy.bytes}-`, "lines=3-", "bytes=-5"])
    assert.equal((await fetched(world, ana, copy.id, range)).status, 200, range);
});

test("making and fetching are in the log; what leaves is counted when it leaves", async (t) => {
  const { world, ana } = await chart(t);
  const copy = await make(world, ana, "web-page");
  await fetched(world, ana, copy.id);
  const entries = (await world.entries()).filter(({ action }) => action === "export");
  assert.deepEqual(
    entries.map(({ decision, count, patient }) => [decision, count, patient !== null]),
    [
      ["permit", 0, true],
      ["permit", 2, true],
      ["permit", 1, false],
    ],
  );
  assert.deepEqual(entries[1]?.categories, ["Observation", "Patient", "Practitioner"]);
});

test("a copy is for the account that had it made, for a day", async (t) => {
  const { world, ana } = await chart(t);
  const copy = await make(world, ana, "ndjson");
  const twin = await world.person({ roles: ["patient"], patients: ["ana"] });
  assert.equal((await fetched(world, twin, copy.id)).status, 404);
  assert.equal((await world.entries()).at(-1)?.decision, "deny");
  assert.equal((await fetched(world, ana, "none")).status, 404);
  await world.db.query("DELETE FROM records.export");
  assert.equal((await fetched(world, ana, copy.id)).status, 404);
});

test("what has run out is deleted when the next copy is made", async (t) => {
  const { world, ana } = await chart(t);
  await make(world, ana, "ndjson");
  const past = new Date(world.clock.now() - copyLimits.keptMs).toISOString();
  const old = "11111111-1111-4111-8111-111111111111";
  await world.db.query(
    `INSERT INTO records.export_piece
       SELECT tenant, $1::uuid, place, starts_at, bytes, dek_version, sealed, $2::timestamptz
       FROM records.export_piece`,
    [old, past],
  );
  await make(world, ana, "ndjson");
  const left = await world.db.query<{ export: string }>(
    "SELECT DISTINCT export FROM records.export_piece",
  );
  assert.equal(left.length, 2);
  assert.ok(!left.some((row) => row.export === old));
});

test("copies of one account are bounded", async (t) => {
  const { world, ana } = await chart(t);
  for (let n = 0; n < copyLimits.perAccount; n += 1) await make(world, ana, "ndjson");
  const body = JSON.stringify({ patient: "ana", form: "ndjson" });
  assert.equal((await world.askAs(ana, "POST", path, { body })).status, 422);
});

for (const [what, body, status] of [
  ["another's record", { patient: "ben", form: "pdf" }, 404],
  ["an unknown form", { patient: "ana", form: "docx" }, 400],
  ["no patient", { form: "pdf" }, 400],
] as const)
  test(`a copy of ${what} is refused`, async (t) => {
    const { world, ana } = await chart(t);
    const got = await world.askAs(ana, "POST", path, { body: JSON.stringify(body) });
    assert.equal(got.status, status, got.text);
    assert.deepEqual(await world.db.query("SELECT FROM records.export_piece"), []);
  });
