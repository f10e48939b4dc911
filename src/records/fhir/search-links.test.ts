import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseResourceType, type ResourceType } from "#core/ids.ts";
import { answerLimits } from "#records/fhir/search-answer.ts";
import type { IncludeRule, Join, SearchPlan } from "#records/fhir/search-plan.ts";
import { parseSearch, searchLimits } from "#records/fhir/search.ts";
import { resourceOf } from "#records/fhir/testing.ts";

const typeOf = (name: string): ResourceType => parseResourceType(name) ?? assert.fail();

function planOf(type: string, query: string): SearchPlan {
  const plan = parseSearch(typeOf(type), new URLSearchParams(query));
  assert.ok(plan.ok, JSON.stringify(plan.ok ? "" : plan.problem));
  return plan.value;
}

function joinOf(type: string, query: string): Join {
  const [join, more] = planOf(type, query).joins;
  return join !== undefined && more === undefined ? join : assert.fail("there is one join");
}

function includeOf(type: string, query: string): IncludeRule {
  const [include, more] = planOf(type, query).includes;
  return include !== undefined && more === undefined
    ? include
    : assert.fail("there is one include");
}

const observation = resourceOf({
  resourceType: "Observation",
  status: "final",
  code: { text: "x" },
  subject: { reference: "Patient/p1" },
  encounter: { reference: "Encounter/e1/_history/2" },
  performer: [
    { reference: "Practitioner/d1" },
    { reference: "Practitioner/d1" },
    { reference: "Organization/o1" },
    { reference: "https://elsewhere.example/Practitioner/d2" },
    { display: "somebody" },
  ],
});

suite("a chain", () => {
  test("leads to a search of the other type, through the references of the first", () => {
    const join = joinOf("Observation", "subject:Patient.name:exact=Ana,Bea");
    assert.ok(join.kind === "chain");
    assert.deepEqual(join.referencesOf(observation), [{ type: "Patient", id: "p1" }]);
    const [plan, more] = join.targets;
    assert.ok(plan !== undefined && more === undefined);
    assert.equal(plan.type, "Patient");
    const named = (given: string): boolean =>
      plan.matches(resourceOf({ resourceType: "Patient", name: [{ given: [given] }] }));
    assert.deepEqual([named("Ana"), named("Bea"), named("ana")], [true, true, false]);
  });

  test("without a type leads to every type that has the parameter", () => {
    const join = joinOf("Observation", "performer.name=x");
    assert.ok(join.kind === "chain");
    assert.deepEqual(join.targets.map(({ type }) => type).sort(), [
      "Organization",
      "Patient",
      "Practitioner",
      "RelatedPerson",
    ]);
  });

  test("narrows the search, and is told by its self link", () => {
    const plan = planOf("Observation", "code=x&patient.family=y&_count=3");
    assert.equal(plan.isFiltered, true);
    assert.deepEqual(plan.used, [
      ["code", "x"],
      ["patient.family", "y"],
      ["_count", "3"],
    ]);
    assert.deepEqual(plan.labels, [["code=x"]]);
  });
});

test("_has leads to a search of what refers to the match", () => {
  const join = joinOf("Patient", "_has:Observation:patient:status=final");
  assert.ok(join.kind === "has");
  assert.equal(join.plan.type, "Observation");
  assert.equal(join.plan.matches(observation), true);
  assert.deepEqual(join.referencesOf(observation), [{ type: "Patient", id: "p1" }]);
  const not = joinOf("Patient", "_has:Observation:patient:status:not=final");
  assert.ok(not.kind === "has" && !not.plan.matches(observation));
});

suite("an include", () => {
  test("reads the references of its parameter, each once", () => {
    const include = includeOf("Observation", "_include=Observation:performer");
    assert.deepEqual(
      [include.reverse, include.iterate, include.source, include.parameter, include.target],
      [false, false, "Observation", "performer", null],
    );
    assert.deepEqual(include.referencesOf(observation), [
      { type: "Practitioner", id: "d1" },
      { type: "Organization", id: "o1" },
    ]);
    const patient = resourceOf({
      resourceType: "Patient",
      managingOrganization: { reference: "Organization/o1" },
    });
    assert.deepEqual(include.referencesOf(patient), []);
  });

  test("keeps to its target type", () => {
    const include = includeOf("Observation", "_include=Observation:performer:Organization");
    assert.deepEqual(include.referencesOf(observation), [{ type: "Organization", id: "o1" }]);
  });

  test("of every parameter of a type, or of all, reads all of them", () => {
    const all = ["Encounter/e1", "Organization/o1", "Patient/p1", "Practitioner/d1"];
    for (const query of ["_include=Observation:*", "_include=*", "_include:iterate=*"]) {
      const found = includeOf("Observation", query).referencesOf(observation);
      assert.deepEqual(found.map(({ type, id }) => `${type}/${id}`).sort(), all, query);
    }
  });

  test("of reverse reads what refers to the matches", () => {
    const include = includeOf("Patient", "_revinclude=Provenance:target");
    assert.deepEqual([include.reverse, include.source], [true, "Provenance"]);
    const further = includeOf("Patient", "_revinclude:iterate=Observation:encounter:Encounter");
    assert.deepEqual(further.referencesOf(observation), [{ type: "Encounter", id: "e1" }]);
    assert.equal(further.iterate, true);
    assert.equal(includeOf("Patient", "_include:recurse=Patient:link").iterate, true);
  });
});

suite("refused are", () => {
  const chains = Array.from({ length: searchLimits.joins + 1 }, () => "patient.name=x").join("&");
  const includes = Array.from(
    { length: answerLimits.includes + 1 },
    () => "_include=Observation:subject",
  ).join("&");
  const facts: readonly [query: string, code: string, at: string | undefined][] = [
    ["code.name=x", "parameter-unknown", "code.name"],
    ["nobody.name=x", "parameter-unknown", "nobody.name"],
    ["subject.shoe-size=43", "parameter-unknown", "subject.shoe-size"],
    ["subject:Wizard.name=x", "parameter-unknown", "subject:Wizard.name"],
    ["subject:Patient.name:text=x", "parameter-unknown", "subject:Patient.name:text"],
    ["patient.birthdate=soon", "parameter-invalid", "patient.birthdate"],
    ["patient.organization.name=x", "parameter-unknown", "patient.organization.name"],
    [
      "patient._has:Observation:patient:code=x",
      "parameter-unknown",
      "patient._has:Observation:patient:code",
    ],
    ["focus._id=x", "parameter-invalid", "focus._id"],
    ["_has:Observation", "parameter-invalid", "_has:Observation"],
    ["_has:Observation:patient:code=x", "parameter-unknown", "_has:Observation:patient:code"],
    ["_has:Wizard:patient:code=x", "parameter-unknown", "_has:Wizard:patient:code"],
    [
      "_has:Observation:derived-from:_count=5",
      "parameter-unknown",
      "_has:Observation:derived-from:_count",
    ],
    [
      "_has:Observation:derived-from:_has:Provenance:target:agent=x",
      "parameter-unknown",
      "_has:Observation:derived-from:_has:Provenance:target:agent",
    ],
    [chains, "too-costly", undefined],
    ["_include=Observation", "parameter-invalid", "_include"],
    ["_include=Wizard:subject", "parameter-invalid", "_include"],
    ["_include=Observation:code", "parameter-invalid", "_include"],
    ["_include=Observation:subject:Wizard", "parameter-invalid", "_include"],
    ["_include=Observation:subject:Practitioner", "parameter-invalid", "_include"],
    ["_include=Observation:subject:Patient:x", "parameter-invalid", "_include"],
    ["_include=Encounter:subject", "parameter-invalid", "_include"],
    ["_include:often=Observation:subject", "parameter-unknown", "_include:often"],
    ["_revinclude=*", "parameter-invalid", "_revinclude"],
    ["_revinclude:iterate=*", "parameter-invalid", "_revinclude:iterate"],
    ["_revinclude=Encounter:patient", "parameter-invalid", "_revinclude"],
    ["_revinclude=Provenance:target:Patient", "parameter-invalid", "_revinclude"],
    ["_include=Observation:subject&_summary=text", "parameter-invalid", "_summary"],
    [includes, "too-costly", "_include"],
  ];
  for (const [query, code, at] of facts)
    test(query.slice(0, 80), () => {
      const plan = parseSearch(typeOf("Observation"), new URLSearchParams(query));
      assert.ok(!plan.ok);
      assert.deepEqual([plan.problem.code, plan.problem.at], [code, at]);
    });
});
