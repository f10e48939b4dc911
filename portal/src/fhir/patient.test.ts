import assert from "node:assert/strict";
import { test } from "node:test";
import { findPeople, initialOf, personName, readPatient, type Person } from "./patient.ts";

test("a person is called by the usual name, then the official, never by an old one", () => {
  const old = { use: "old", family: "Born", given: ["Ana"] };
  const official = { use: "official", family: "Delgado", given: ["Ana", "Sofía"] };
  const usual = { use: "usual", family: "Delgado", given: ["Anita"] };
  assert.equal(personName([old, official, usual]), "Anita Delgado");
  assert.equal(personName([old, official]), "Ana Delgado");
  assert.equal(personName([old]), null);
  assert.equal(personName([{ text: "Cher" }]), "Cher");
});

test("the record number is the organisation's own among several", () => {
  const identifier = [
    { value: "999-99-9999" },
    { type: { coding: [{ code: "MR" }] }, value: "HL00000001" },
  ];
  assert.equal(readPatient({ resourceType: "Patient", id: "p", identifier })?.number, "HL00000001");
});

test("another resource is no patient", () => {
  assert.equal(readPatient({ resourceType: "Practitioner", id: "p" }), null);
  assert.equal(readPatient({ resourceType: "Patient" }), null);
});

const person = (name: string, more: Partial<Person> = {}): Person => ({
  id: name,
  name,
  born: null,
  isDeceased: false,
  number: null,
  ...more,
});

test("people are found by parts of words in any order, without accents", () => {
  const people = [
    person("José García"),
    person("Ana Delgado", { number: "HL7", born: "1978-01-14" }),
  ];
  const found = (typed: string) => findPeople(people, typed).map(({ name }) => name);
  assert.deepEqual(found("garcia jos"), ["José García"]);
  assert.deepEqual(found("hl7"), ["Ana Delgado"]);
  assert.deepEqual(found("1978-01"), ["Ana Delgado"]);
  assert.deepEqual(found(" "), ["José García", "Ana Delgado"]);
  assert.deepEqual(found("nobody"), []);
});

test("the initial is one whole letter, whatever it is made of", () => {
  assert.equal(initialOf("émile"), "É");
  assert.equal(initialOf("👩‍⚕️ Doe"), "👩‍⚕️");
  assert.equal(initialOf(""), "");
});
