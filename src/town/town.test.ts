import assert from "node:assert/strict";
import { test } from "node:test";
import type { Patient, Resource } from "@medplum/fhirtypes";
import { BrokenInvariant } from "#core/result.ts";
import { compartmentOf } from "#records/fhir/compartment.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { outgoingReferences } from "#records/fhir/references.ts";
import { createTown, type Town } from "#town/town.ts";

const asOf = "2026-07-01";

function demoTown(seed = 7, patients = 200): Town {
  return createTown({ seed, patients, asOf });
}

function isPatient(resource: Resource): resource is Patient {
  return resource.resourceType === "Patient";
}

function patientsOf(town: Town): readonly Patient[] {
  return [...town.patients()].flatMap((resources) => resources.slice(0, 1).filter(isPatient));
}

/** Made once, as several tests count the same people. */
const crowd = patientsOf(demoTown(7, 2_500));

function within(value: number, low: number, high: number, what: string): void {
  assert.ok(value >= low && value <= high, `${what} is ${value}, not within ${low} and ${high}`);
}

test("everything that a town makes follows FHIR R4, with its required codes and invariants", () => {
  const town = demoTown(11, 60);
  let checked = 0;
  for (const resource of [...town.organisation(), ...[...town.patients()].flat()]) {
    const parsed = parseResource(JSON.stringify(resource), {});
    const problem = parsed.ok ? "" : JSON.stringify(parsed.problem);
    assert.ok(parsed.ok, `${resource.resourceType}/${resource.id}: ${problem}`);
    checked += 1;
  }
  assert.ok(checked > 4_000, `only ${checked} resources were checked`);
});

test("no id is given twice in a town, of whatever type", () => {
  const town = demoTown(3, 400);
  const seen = new Set<string>();
  let count = 0;
  for (const resource of [...town.organisation(), ...[...town.patients()].flat()]) {
    assert.ok(resource.id !== undefined, `${resource.resourceType} has no id`);
    seen.add(resource.id);
    count += 1;
  }
  assert.equal(seen.size, count);
});

test("each reference points to something that came before it in the town", () => {
  const town = demoTown(5, 120);
  const known = new Set<string>();
  let references = 0;
  for (const resource of [...town.organisation(), ...[...town.patients()].flat()]) {
    for (const { type, id } of outgoingReferences(resource)) {
      const name = `${type}/${id}`;
      assert.ok(known.has(name), `${resource.resourceType}/${resource.id} points to ${name}`);
      references += 1;
    }
    known.add(`${resource.resourceType}/${resource.id}`);
  }
  assert.ok(references > 20_000);
});

test("every resource of a patient lies in that patient's compartment and no other", () => {
  const town = demoTown(9, 80);
  for (const resources of town.patients()) {
    const patient = resources[0]?.id;
    for (const resource of resources) {
      const found = compartmentOf(resource);
      assert.ok(found.ok, `${resource.resourceType} has an unclear compartment`);
      assert.deepEqual(found.value, { kind: "patient", patient });
    }
  }
});

test("what belongs to the organisation lies in no patient's compartment", () => {
  for (const resource of demoTown().organisation()) {
    const found = compartmentOf(resource);
    assert.ok(found.ok);
    assert.deepEqual(found.value, { kind: "organisation" });
  }
});

test("a patient asked for alone, in any order, is the same as in sequence", () => {
  const inSequence = [...demoTown().patients()];
  const alone = demoTown();
  for (const n of [199, 0, 57, 13, 12, 11, 144, 57]) {
    assert.deepEqual(alone.patient(n), inSequence[n], `patient ${n} differs`);
  }
});

test("a larger town holds the smaller one unchanged", () => {
  const small = demoTown(7, 30);
  const large = demoTown(7, 50_000);
  for (let n = 0; n < 30; n += 1) assert.deepEqual(large.patient(n), small.patient(n));
  const organisation = new Map([...large.organisation()].map((one) => [one.id, one]));
  for (const one of small.organisation()) assert.deepEqual(organisation.get(one.id), one);
});

test("another seed is another town, and the same seed is the same one", () => {
  const first = patientsOf(demoTown(1, 40)).map(({ id }) => id);
  const again = patientsOf(demoTown(1, 40)).map(({ id }) => id);
  const other = patientsOf(demoTown(2, 40)).map(({ id }) => id);
  assert.deepEqual(first, again);
  assert.equal(new Set([...first, ...other]).size, 80);
});

test("a patient far into a town of a million is made at once", () => {
  const town = demoTown(7, 1_000_000);
  const [patient] = town.patient(999_999);
  assert.equal(patient?.resourceType, "Patient");
});

test("nothing but appointments lies after the day of the town", () => {
  const dateOf =
    /"(?:effectiveDateTime|authoredOn|occurrenceDateTime|recordedDate|date)":"([^"]+)"/g;
  for (const resources of demoTown(21, 150).patients()) {
    for (const resource of resources) {
      if (resource.resourceType === "Appointment") continue;
      for (const [, at] of JSON.stringify(resource).matchAll(dateOf)) {
        assert.ok(
          at !== undefined && at.slice(0, 10) <= "2026-07-02",
          `${resource.resourceType} ${at}`,
        );
      }
    }
  }
});

test("nothing is recorded of anyone after death, and no visit lies before birth", () => {
  for (const resources of demoTown(31, 600).patients()) {
    const [patient] = resources.filter(isPatient);
    const died = patient?.deceasedDateTime?.slice(0, 10);
    for (const resource of resources) {
      if (resource.resourceType !== "Encounter") continue;
      const day = resource.period?.start?.slice(0, 10) ?? "";
      assert.ok(day >= (patient?.birthDate ?? "9"), "a visit before birth");
      // A visit in the evening of the last day ends after midnight UTC.
      if (died !== undefined) assert.ok(day <= nextDay(died), `a visit on ${day}, dead on ${died}`);
    }
  }
});

function nextDay(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}

test("the demo's two hundred patients are as many resources as a quick first start can take", () => {
  const town = demoTown();
  const total = [...town.organisation()].length + [...town.patients()].flat().length;
  within(total, 15_000, 21_500, "resources");
  within([...town.patients()].flat().length / 200, 60, 110, "resources of one patient on average");
});

test("a town's people are as varied as the law's questions need", () => {
  const people = crowd;
  const share = (holds: (patient: Patient) => boolean): number =>
    people.filter(holds).length / people.length;
  const states = new Set(people.flatMap(({ address }) => address?.map(({ state }) => state) ?? []));
  const languages = new Set(people.map(({ communication }) => communication?.[0]?.language.text));
  assert.ok(states.size >= 6, `only ${states.size} States`);
  assert.ok(languages.size >= 9, `only ${languages.size} languages`);
  within(
    share(({ birthDate = "" }) => birthDate > "2008-07-01"),
    0.17,
    0.32,
    "share of minors",
  );
  within(
    share(({ deceasedDateTime }) => deceasedDateTime !== undefined),
    0.02,
    0.09,
    "share of dead",
  );
  within(
    share(({ address }) => address === undefined),
    0.005,
    0.04,
    "share without address",
  );
  within(share(hasAddressUse("BAD")), 0.01, 0.05, "share of returned mail");
  within(share(hasAddressUse("CONF")), 0.003, 0.03, "share of confidential addresses");
  within(
    share(({ telecom }) => telecom?.some(({ system }) => system === "email") ?? false),
    0.4,
    0.8,
    "share with e-mail",
  );
  within(
    share(({ gender }) => gender === "female"),
    0.45,
    0.6,
    "share of women",
  );
});

function hasAddressUse(code: string): (patient: Patient) => boolean {
  return ({ address }) =>
    address?.some(({ extension }) => extension?.some(({ valueCode }) => valueCode === code)) ??
    false;
}

test("families share a surname and an address, and strangers share a whole name", () => {
  const people = crowd;
  const families = groupedBy(
    people,
    (one) => `${one.name?.[0]?.family} ${one.address?.[0]?.line?.[0]}`,
  );
  assert.ok([...families.values()].filter((members) => members.length >= 3).length > 150);
  const names = groupedBy(people, (one) =>
    JSON.stringify([one.name?.[0]?.family, one.name?.[0]?.given]),
  );
  const shared = [...names.values()].filter(
    (bearers) => new Set(bearers.map(({ birthDate }) => birthDate)).size > 1,
  );
  assert.ok(shared.length >= 5, `only ${shared.length} names are borne by several`);
});

function groupedBy<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    found.set(key, [...(found.get(key) ?? []), item]);
  }
  return found;
}

test("names carry apostrophes, accents, hyphens and scripts other than Latin", () => {
  const families = crowd.flatMap(({ name }) => name?.map((one) => one.family ?? "") ?? []);
  for (const [what, form] of [
    ["an apostrophe", /'/],
    ["an accent", /[áéíóúñ]/],
    ["a hyphen", /-/],
    ["Han", /\p{Script=Han}/u],
    ["Hangul", /\p{Script=Hangul}/u],
    ["Cyrillic", /\p{Script=Cyrillic}/u],
    ["Arabic", /\p{Script=Arabic}/u],
  ] as const) {
    assert.ok(
      families.some((family) => form.test(family)),
      `no family name has ${what}`,
    );
  }
});

test("every minor who is a child of the house has relatives, and some colleagues are patients", () => {
  const town = demoTown(7, 300);
  let minors = 0;
  let colleagues = 0;
  for (const resources of town.patients()) {
    const [patient] = resources.filter(isPatient);
    if (patient?.identifier?.some(({ system }) => system === "urn:phylax:town:employee") === true)
      colleagues += 1;
    if ((patient?.birthDate ?? "") <= "2008-07-01" || patient?.deceasedDateTime !== undefined)
      continue;
    minors += 1;
    assert.ok(resources.some(({ resourceType }) => resourceType === "RelatedPerson"));
  }
  assert.ok(minors > 40);
  assert.ok(colleagues >= 3, `only ${colleagues} colleagues are patients`);
});

test("each panel holds patients, and each patient's primary physician is on the care team", () => {
  const panels = new Map<string, number>();
  for (const resources of demoTown(7, 200).patients()) {
    const [patient] = resources.filter(isPatient);
    const physician = patient?.generalPractitioner?.[0]?.reference ?? "";
    const team = resources.find(({ resourceType }) => resourceType === "CareTeam");
    assert.ok(team?.resourceType === "CareTeam");
    assert.ok(team.participant?.some(({ member }) => member?.reference === physician));
    panels.set(physician, (panels.get(physician) ?? 0) + 1);
  }
  assert.ok(panels.size >= 6);
  assert.ok(Math.max(...panels.values()) < 90);
});

test("every sensitivity has subjects, and what is labelled is the diagnosis and what follows it", () => {
  const labels = new Map<string, Set<string>>();
  for (const resources of demoTown(7, 2_000).patients()) {
    for (const { resourceType, meta } of resources) {
      for (const { code = "" } of meta?.security ?? []) {
        labels.set(code, (labels.get(code) ?? new Set()).add(resourceType));
      }
    }
  }
  assert.deepEqual([...labels.keys()].sort(), ["HIV", "MH", "STD", "SUD"]);
  for (const [code, types] of labels) assert.ok(types.has("Condition"), `${code} has no Condition`);
  assert.ok(labels.get("HIV")?.has("Observation"));
});

test("a town refuses a size, seed or day that cannot be one, and a patient it does not have", () => {
  assert.throws(() => createTown({ seed: 1.5, patients: 1, asOf }), BrokenInvariant);
  assert.throws(() => createTown({ seed: 1, patients: -1, asOf }), BrokenInvariant);
  assert.throws(() => createTown({ seed: 1, patients: 1, asOf: "2026-02-30" }), BrokenInvariant);
  assert.throws(() => demoTown(1, 5).patient(5), BrokenInvariant);
  assert.throws(() => demoTown(1, 5).patient(-1), BrokenInvariant);
});

test("an empty town still has its organisation", () => {
  const town = demoTown(1, 0);
  assert.equal([...town.patients()].length, 0);
  assert.ok([...town.organisation()].length > 40);
});
