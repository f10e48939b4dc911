import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Observation } from "@medplum/fhirtypes";
import * as fc from "fast-check";
import { lastOfEach } from "#records/fhir/last-of-each.ts";
import { testWorld, type Got, type TestPerson, type TestWorld } from "#records/testing.ts";

const loinc = (code: string): object => ({ system: "http://loinc.org", code });

const lab = (id: string, day: number, ...coding: readonly object[]): object => ({
  resourceType: "Observation",
  id,
  status: "final",
  category: [{ coding: [{ code: "laboratory" }] }],
  code: { coding },
  subject: { reference: "Patient/ana" },
  effectiveDateTime: `2024-03-${String(day).padStart(2, "0")}`,
});

async function scene(
  t: TestContext,
): Promise<{ readonly world: TestWorld; readonly ana: TestPerson }> {
  const world = await testWorld(t);
  await world.bring([
    { resourceType: "Patient", id: "ana" },
    { resourceType: "Patient", id: "ben" },
    lab("hb-1", 1, loinc("718-7")),
    lab("hb-3", 3, loinc("718-7"), { system: "urn:local", code: "HB" }),
    // The local code says the same, as hb-3 shows.
    lab("hb-2", 2, { system: "urn:local", code: "HB" }),
    lab("na-4", 4, loinc("2951-2")),
    lab("na-5", 5, loinc("2951-2")),
  ]);
  return { world, ana: await world.person({ roles: ["patient"], patients: ["ana"] }) };
}

function idsIn({ status, text }: Got): readonly string[] {
  assert.equal(status, 200, text);
  const bundle = JSON.parse(text) as { total: number; entry?: { resource: { id: string } }[] };
  const ids = (bundle.entry ?? []).map(({ resource }) => resource.id);
  assert.equal(bundle.total, ids.length);
  return ids;
}

test("the newest of each code come, the newest first, however the code is written", async (t) => {
  const { world, ana } = await scene(t);
  const ask = async (query: string): Promise<readonly string[]> =>
    idsIn(await world.askAs(ana, "GET", `/fhir/Observation/$lastn?${query}`));
  assert.deepEqual(await ask("patient=ana&category=laboratory"), ["na-5", "hb-3"]);
  assert.deepEqual(await ask("subject=Patient/ana&category=laboratory&max=2"), [
    "na-5",
    "na-4",
    "hb-3",
    "hb-2",
  ]);
  assert.deepEqual(await ask("patient=ana&code=718-7&max=9"), ["hb-3", "hb-1"]);
  assert.deepEqual(await ask("patient=ana&category=vital-signs"), []);
});

test("parameters may come as a Parameters resource, and the log tells of what was shown", async (t) => {
  const { world, ana } = await scene(t);
  const got = await world.askAs(ana, "POST", "/fhir/Observation/$lastn", {
    body: JSON.stringify({
      resourceType: "Parameters",
      parameter: [
        { name: "patient", valueString: "ana" },
        { name: "category", valueCode: "laboratory" },
        { name: "max", valuePositiveInt: 1 },
      ],
    }),
  });
  assert.deepEqual(idsIn(got), ["na-5", "hb-3"]);
  const shown = (await world.entries()).filter(({ action }) => action === "search");
  assert.deepEqual(
    shown.map(({ resourceType, count }) => [resourceType, count]),
    [["Observation", 2]],
  );
});

test("what names no patient, no kind or an odd number is refused by name", async (t) => {
  const { world, ana } = await scene(t);
  for (const [query, at] of [
    ["category=laboratory", "patient"],
    ["patient=ana", "category"],
    ["patient=ana&code=718-7&max=0", "max"],
    ["patient=ana&code=718-7&max=1&max=2", "max"],
  ] as const) {
    const got = await world.askAs(ana, "GET", `/fhir/Observation/$lastn?${query}`);
    assert.equal(got.status, 400, query);
    assert.match(got.text, new RegExp(`"expression":\\["${at}"\\]`));
  }
  const paged = await world.askAs(
    ana,
    "GET",
    "/fhir/Observation/$lastn?patient=ana&code=718-7&_count=1",
  );
  assert.equal(paged.status, 400);
  const other = await world.askAs(ana, "GET", "/fhir/Observation/$lastn?patient=ben&code=718-7");
  assert.equal(other.status, 403);
  assert.equal((await world.askAs(ana, "GET", "/fhir/Condition/$lastn?patient=ana")).status, 404);
});

test("no group gives more than was asked for, and each gives its newest", () => {
  const codes = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(codes, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (all, most) => {
      const observations = all.map((each, at): Observation => ({
        resourceType: "Observation",
        id: String(at),
        status: "final",
        code: { coding: each.map((code) => ({ code })) },
      }));
      const kept = new Set(lastOfEach(observations, (value) => value, most).map(({ id }) => id));
      // A rival that spreads labels until nothing changes.
      const labels = all.map((_, at) => at);
      for (let changed = true; changed;) {
        changed = false;
        for (const [a, ofA] of all.entries())
          for (const [b, ofB] of all.entries()) {
            const least = Math.min(labels[a] ?? a, labels[b] ?? b);
            if (!ofA.some((code) => ofB.includes(code)) || labels[a] === labels[b]) continue;
            labels[a] = least;
            labels[b] = least;
            changed = true;
          }
      }
      for (const label of new Set(labels)) {
        const group = all.flatMap((_, at) => (labels[at] === label ? [String(at)] : []));
        const shown = group.filter((id) => kept.has(id));
        if (shown.join() !== group.slice(0, most).join()) return false;
      }
      return true;
    }),
  );
});
