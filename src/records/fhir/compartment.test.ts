import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseResourceId } from "#core/ids.ts";
import {
  compartmentOf,
  isOfPatients,
  isStorable,
  type Owner,
  type OwnerOf,
} from "#records/fhir/compartment.ts";
import { resourceTypes } from "#records/fhir/definitions.ts";
import { parsedOf, resourceOf, vectors } from "#records/fhir/testing.ts";

const id = parseResourceId("p1") ?? assert.fail();

suite("whose record it is:", () => {
  for (const { name, owner = "unclear", resource = {} } of vectors("compartments"))
    test(`${name} — ${typeof owner === "string" ? owner : "the patient's"}`, () => {
      const found = compartmentOf(resourceOf(resource));
      if (owner === "unclear") assert.equal(found.ok || found.problem.code, "compartment-unclear");
      else if (owner === "organisation")
        assert.deepEqual(found, { ok: true, value: { kind: "organisation" } });
      else assert.deepEqual(found, { ok: true, value: { kind: "patient", ...owner } });
    });
});

suite("the compartment", () => {
  test("of a patient about to be created is that of the id it will have", () => {
    const patient = resourceOf({ resourceType: "Patient" });
    assert.equal(compartmentOf(patient).ok, false);
    assert.deepEqual(compartmentOf(patient, { id }), {
      ok: true,
      value: { kind: "patient", patient: id },
    });
  });

  const provenance = resourceOf({
    resourceType: "Provenance",
    target: [{ reference: "Observation/o1" }, { reference: "Condition/c1" }],
    recorded: "2024-01-01T00:00:00Z",
    agent: [{ who: { reference: "Practitioner/d1" } }],
  });
  const ownedBy =
    (owners: Readonly<Record<string, Owner>>): OwnerOf =>
    ({ type }) =>
      owners[type] ?? null;
  const hers: Owner = { kind: "patient", patient: id };
  const ours: Owner = { kind: "organisation" };

  test("of a provenance is that of its targets", () => {
    const ownerOf = ownedBy({ Observation: hers, Condition: hers });
    assert.deepEqual(compartmentOf(provenance, { ownerOf }), { ok: true, value: hers });
    const both = ownedBy({ Observation: ours, Condition: ours });
    assert.deepEqual(compartmentOf(provenance, { ownerOf: both }), { ok: true, value: ours });
  });

  test("of a provenance over two patients, or over an unknown target, is unclear", () => {
    const other: Owner = { kind: "patient", patient: parseResourceId("p2") ?? assert.fail() };
    for (const owners of [{ Observation: hers, Condition: other }, { Observation: ours }])
      assert.equal(compartmentOf(provenance, { ownerOf: ownedBy(owners) }).ok, false);
  });

  test("of other types does not depend on who owns what they refer to", () => {
    const observation = resourceOf({
      resourceType: "Observation",
      status: "final",
      code: { text: "x" },
      subject: { reference: "Patient/p1" },
      performer: [{ reference: "RelatedPerson/r1" }],
    });
    const other: Owner = { kind: "patient", patient: parseResourceId("p2") ?? assert.fail() };
    const found = compartmentOf(observation, { ownerOf: () => other });
    assert.deepEqual(found, { ok: true, value: hers });
  });

  test("is told of every type of R4 but the carriers", () => {
    const types = [...resourceTypes()];
    assert.equal(types.length, 146);
    assert.deepEqual(types.filter((type) => !isStorable(type)).sort(), ["Bundle", "Parameters"]);
    assert.ok(types.filter(isOfPatients).length > 65);
    for (const type of ["Practitioner", "Organization", "Location", "Questionnaire"])
      assert.equal(isOfPatients(type), false, type);
  });

  test("is never the organisation's for what mentions a patient anywhere", () => {
    const mention = [{ url: "http://e.example/x", valueReference: { reference: "Patient/p1" } }];
    for (const resourceType of ["Practitioner", "Location", "Medication", "Schedule"]) {
      const actor = resourceType === "Schedule" ? { actor: [{ reference: "Location/l" }] } : {};
      const plain = { resourceType, ...actor };
      assert.equal(compartmentOf(parsedOf(plain).value).ok, true, resourceType);
      const mentioning = compartmentOf(parsedOf({ ...plain, extension: mention }).value);
      assert.equal(mentioning.ok || mentioning.problem.code, "compartment-unclear", resourceType);
    }
  });
});
