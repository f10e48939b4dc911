import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokenInvariant } from "#core/result.ts";
import { demoPersonae } from "#town/personae.ts";
import { createTown } from "#town/town.ts";

const town = createTown({ seed: 7, patients: 200, asOf: "2026-07-01" });
const personae = demoPersonae(town);
const ana = town.patient(0);

test("Ana's record is the town's first, with the id that the demo's account is bound to", () => {
  const [patient] = ana;
  assert.equal(patient?.resourceType, "Patient");
  assert.equal(patient?.id, personae.patient.patientId);
  assert.equal(personae.patient.displayName, "Ana Sofía Delgado");
});

test("Ana's care team includes the demo's clinician, who works here", () => {
  const reference = `Practitioner/${personae.clinician.practitionerId}`;
  const team = ana.find(({ resourceType }) => resourceType === "CareTeam");
  assert.ok(team?.resourceType === "CareTeam");
  assert.ok(team.participant?.some(({ member }) => member?.reference === reference));
  const known = [...town.organisation()].some(
    ({ resourceType, id }) =>
      resourceType === "Practitioner" && id === personae.clinician.practitionerId,
  );
  assert.ok(known);
});

test("Ana has a long course: diabetes with its trend, pressure, allergies, vaccines, notes, visits", () => {
  const count = (type: string): number =>
    ana.filter(({ resourceType }) => resourceType === type).length;
  assert.ok(ana.length > 200, `${ana.length} resources`);
  assert.ok(count("Encounter") > 20);
  assert.ok(count("AllergyIntolerance") >= 4);
  assert.ok(count("Immunization") >= 5);
  assert.ok(count("DocumentReference") > 15);
  assert.ok(count("Appointment") >= 1);
  const conditions = ana.flatMap((one) =>
    one.resourceType === "Condition" ? [one.code?.text] : [],
  );
  for (const wanted of ["type 2 diabetes", "high blood pressure", "hay fever"]) {
    assert.ok(conditions.includes(wanted), wanted);
  }
});

test("Ana's HbA1c falls after metformin is started", () => {
  const figures = ana.flatMap((one) =>
    one.resourceType === "Observation" && one.code.text === "HbA1c"
      ? [one.valueQuantity?.value ?? 0]
      : [],
  );
  assert.ok(figures.length >= 8);
  assert.ok((figures[1] ?? 0) < (figures[0] ?? 0) - 0.5, figures.join());
});

test("her child is a minor of her family, whose record names her", () => {
  const child = town.patient(3);
  assert.equal(child[0]?.id, personae.child.patientId);
  const named = child.filter(({ resourceType }) => resourceType === "RelatedPerson");
  assert.ok(JSON.stringify(named).includes("HL00000001"));
});

test("the personae are the same in a larger town and on another day", () => {
  const later = createTown({ seed: 7, patients: 9_000, asOf: "2027-01-01" });
  assert.deepEqual(demoPersonae(later), personae);
});

test("a town without the family has no personae", () => {
  assert.throws(
    () => demoPersonae(createTown({ seed: 7, patients: 3, asOf: "2026-07-01" })),
    BrokenInvariant,
  );
});
