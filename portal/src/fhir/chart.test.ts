import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readAllergy, readImmunisation, readMedicine, readProblem, readVisit } from "./chart.ts";

const clinical = (code: string) => ({ clinicalStatus: { coding: [{ code }] } });
const named = { id: "x", code: { text: "hay fever" } };

test("a problem is active by its status", () => {
  assert.equal(readProblem({ ...named, ...clinical("active") })?.isActive, true);
  assert.equal(readProblem({ ...named, ...clinical("relapse") })?.isActive, true);
  assert.equal(readProblem({ ...named, ...clinical("resolved") })?.isActive, false);
  assert.equal(readProblem({ ...named, ...clinical("remission") })?.isActive, false);
});

test("a problem without a status is active until it has an end", () => {
  assert.equal(readProblem(named)?.isActive, true);
  assert.equal(readProblem({ ...named, abatementDateTime: "2020" })?.isActive, false);
});

test("a problem's start is its onset before the day it was written down", () => {
  const read = readProblem({ ...named, onsetDateTime: "2019", recordedDate: "2021-02-03" });
  assert.equal(read?.since, "2019");
  assert.equal(readProblem({ ...named, recordedDate: "2021-02-03" })?.since, "2021-02-03");
});

test("a medicine is named by its concept, by a contained one, or by its reference", () => {
  const order = { id: "m", status: "active" };
  const name = (more: object) => readMedicine({ ...order, ...more })?.name;
  assert.equal(name({ medicationCodeableConcept: { text: "aspirin" } }), "Aspirin");
  const contained = [{ id: "a", code: { coding: [{ display: "Ibuprofen" }] } }];
  assert.equal(name({ contained, medicationReference: { reference: "#a" } }), "Ibuprofen");
  assert.equal(name({ medicationReference: { display: "Zinc" } }), "Zinc");
  assert.equal(name({}), undefined);
});

test("a medicine's directions are those for the patient, else the prescriber's", () => {
  const read = readMedicine({
    id: "m",
    status: "stopped",
    medicationCodeableConcept: { text: "aspirin" },
    dosageInstruction: [{ text: "1 po qd", patientInstruction: "Take 1 a day" }, { text: "or 2" }],
    reasonReference: [{ reference: "Condition/7" }],
  });
  assert.deepEqual(read?.directions, ["Take 1 a day", "or 2"]);
  assert.deepEqual(read?.reasonsAt, ["Condition/7"]);
  assert.equal(read?.isActive, false);
});

test("an allergy is severe by its criticality or by a reaction", () => {
  const reaction = [
    { severity: "severe", manifestation: [{ text: "swelling" }, { text: "rash" }] },
  ];
  assert.equal(readAllergy({ ...named, criticality: "high" })?.isSevere, true);
  assert.equal(readAllergy({ ...named, reaction })?.isSevere, true);
  assert.deepEqual(readAllergy({ ...named, reaction })?.reactions, ["swelling", "rash"]);
  assert.equal(readAllergy(named)?.isSevere, false);
});

test("a vaccine that was not given says so", () => {
  const vaccine = { id: "v", vaccineCode: { text: "flu" }, occurrenceDateTime: "2024-10-01" };
  assert.equal(readImmunisation({ ...vaccine, status: "completed" })?.wasGiven, true);
  assert.equal(readImmunisation({ ...vaccine, status: "not-done" })?.wasGiven, false);
  const protocolApplied = [{ doseNumberPositiveInt: 2 }];
  assert.equal(readImmunisation({ ...vaccine, protocolApplied })?.dose, "2");
});

test("a visit is named by its type, else by its class", () => {
  const visit = { id: "e", class: { display: "ambulatory" } };
  assert.equal(readVisit({ ...visit, type: [{ text: "yearly checkup" }] })?.name, "Yearly checkup");
  assert.equal(readVisit(visit)?.name, "ambulatory");
  assert.equal(readVisit({ id: "e" })?.name, null);
});

test("resources of any shape are read or left out, never thrown at", () => {
  for (const read of [readProblem, readMedicine, readAllergy, readImmunisation, readVisit]) {
    fc.assert(fc.property(fc.jsonValue(), (value) => void read(value)));
  }
});
