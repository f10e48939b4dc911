import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFhirPathPatch } from "#records/fhir/patch/fhirpath-patch.ts";

type Part = Readonly<Record<string, unknown>>;

const part = (name: string, value: Part): Part => ({ name, ...value });
const operation = (type: string, path: string, ...more: Part[]): Part => ({
  name: "operation",
  part: [part("type", { valueCode: type }), part("path", { valueString: path }), ...more],
});
const add = (path: string, name: string, value: Part): Part =>
  operation("add", path, part("name", { valueString: name }), part("value", value));
const insert = (path: string, index: number, value: Part): Part =>
  operation("insert", path, part("index", { valueInteger: index }), part("value", value));
const replace = (path: string, value: Part): Part =>
  operation("replace", path, part("value", value));
const remove = (path: string): Part => operation("delete", path);
const move = (path: string, source: number, destination: number): Part =>
  operation(
    "move",
    path,
    part("source", { valueInteger: source }),
    part("destination", { valueInteger: destination }),
  );

function patched(resource: object | string, ...parameter: Part[]): unknown {
  const text = JSON.stringify({ resourceType: "Parameters", parameter });
  const patch = parseFhirPathPatch(text);
  if (!patch.ok) return `${patch.problem.code} ${patch.problem.at ?? ""}`.trim();
  const done = patch.value(typeof resource === "string" ? resource : JSON.stringify(resource));
  return done.ok
    ? (JSON.parse(done.value) as unknown)
    : `${done.problem.code} ${done.problem.at ?? ""}`;
}

const patient = {
  resourceType: "Patient",
  birthDate: "1970-01-01",
  identifier: [
    { system: "a", value: "1" },
    { system: "b", value: "2" },
  ],
  name: [{ given: ["Ana", "Bea", "Cleo"], family: "Ng" }],
  contact: [{ gender: "male" }],
};

test("an element is added, to a list or where none is, from parts where its type has no name", () => {
  const built = [
    { name: "name", valueHumanName: { text: "a name" } },
    { name: "relationship", valueCodeableConcept: { text: "friend" } },
    { name: "relationship", valueCodeableConcept: { text: "neighbour" } },
  ];
  assert.deepEqual(
    patched(
      patient,
      add("Patient", "gender", { valueCode: "female" }),
      add("Patient", "identifier", { valueIdentifier: { value: "3" } }),
      add("Patient", "contact", { part: built }),
      add("Patient.contact[0]", "gender", { valueCode: "female" }),
    ),
    "patch-refused Parameters.parameter[3]",
  );
  assert.deepEqual(
    patched(
      patient,
      add("Patient", "gender", { valueCode: "female" }),
      add("Patient", "identifier", { valueIdentifier: { value: "3" } }),
      add("Patient", "contact", { part: built }),
      add("Patient.identifier.where(system = 'b')", "use", { valueCode: "old" }),
    ),
    {
      ...patient,
      gender: "female",
      identifier: [patient.identifier[0], { ...patient.identifier[1], use: "old" }, { value: "3" }],
      contact: [
        { gender: "male" },
        { name: { text: "a name" }, relationship: [{ text: "friend" }, { text: "neighbour" }] },
      ],
    },
  );
});

test("an element is found by name, index, criterion, type and extension, and replaced", () => {
  const observation = {
    resourceType: "Observation",
    extension: [{ url: "u", valueString: "old" }],
    component: [{ valueInteger: 1 }, { valueQuantity: { value: 5 } }],
    valueString: "x",
  };
  assert.deepEqual(
    patched(
      observation,
      replace("Observation.component[0].value", { valueString: "one" }),
      replace("component.where(value.value = 5).value.ofType(Quantity).unit", { valueString: "g" }),
    ),
    "patch-refused Parameters.parameter[1]",
  );
  assert.deepEqual(
    patched(
      observation,
      replace("Observation.component[0].value", { valueString: "one" }),
      replace("component.where(value.value = 5).value.ofType(Quantity).value", { valueDecimal: 6 }),
      replace("Observation.extension('u').value", { valueCode: "new" }),
      replace("(Observation.value as string)", { valueBoolean: true }),
    ),
    {
      resourceType: "Observation",
      extension: [{ url: "u", valueCode: "new" }],
      component: [{ valueString: "one" }, { valueQuantity: { value: 6 } }],
      valueBoolean: true,
    },
  );
});

test("items are inserted, moved and deleted by index, their extensions with them", () => {
  const named = {
    ...patient,
    name: [{ given: ["A", "B", null], _given: [null, { id: "b" }, { id: "c" }] }],
  };
  assert.deepEqual(
    patched(
      named,
      move("Patient.name[0].given", 1, 0),
      insert("Patient.name[0].given", 3, { valueString: "D" }),
      remove("Patient.name.given[1]"),
    ),
    { ...patient, name: [{ given: ["B", null, "D"], _given: [{ id: "b" }, { id: "c" }, null] }] },
  );
  assert.deepEqual(
    patched(patient, remove("Patient.contact[0]"), remove("Patient.identifier.first()")),
    {
      resourceType: "Patient",
      birthDate: "1970-01-01",
      identifier: [patient.identifier[1]],
      name: patient.name,
    },
  );
});

test("to delete what is not there is no failure, and a primitive goes with its extensions", () => {
  const dated = { ...patient, _birthDate: { extension: [{ url: "u", valueString: "x" }] } };
  const { birthDate: _gone, ...rest } = patient;
  assert.deepEqual(patched(dated, remove("Patient.birthDate"), remove("Patient.photo")), rest);
});

test("a replaced primitive brings its own extensions, or none", () => {
  const dated = { ...patient, _birthDate: { id: "old" } };
  const value = { valueDate: "1971-01-01", _valueDate: { id: "new" } };
  assert.deepEqual(patched(dated, replace("Patient.birthDate", value)), {
    ...patient,
    birthDate: "1971-01-01",
    _birthDate: { id: "new" },
  });
  assert.deepEqual(patched(dated, replace("Patient.birthDate", { valueDate: "1972" })), {
    ...patient,
    birthDate: "1972",
  });
});

test("numbers stay as they were written, in the resource and in the patch", () => {
  const text = JSON.stringify({
    resourceType: "Parameters",
    parameter: [add("Observation", "value", { valueQuantity: { value: 7 } })],
  }).replace('"value":7', '"value":7.00');
  const patch = parseFhirPathPatch(text);
  assert.ok(patch.ok);
  const done = patch.value(
    '{"resourceType":"Observation","component":[{"valueQuantity":{"value":1.10}}]}',
  );
  assert.equal(
    done.ok ? done.value : done.problem.code,
    '{"resourceType":"Observation","component":[{"valueQuantity":{"value":1.10}}],"valueQuantity":{"value":7.00}}',
  );
});

for (const [what, sent] of [
  ["a path to two elements", replace("Patient.identifier", { valueIdentifier: {} })],
  ["a path to nothing", replace("Patient.photo", { valueString: "x" })],
  ["the resource itself", remove("Patient")],
  ["a value of a type that may not stand there", add("Patient", "deceased", { valueString: "x" })],
  ["a second value where one may be", add("Patient", "birthDate", { valueDate: "1970" })],
  ["an element that R4 does not know", add("Patient", "shoe", { valueString: "x" })],
  ["an index beyond the list", insert("Patient.identifier", 3, { valueIdentifier: {} })],
  ["a move from beyond the list", move("Patient.identifier", 2, 0)],
  ["a list that is none", insert("Patient.birthDate", 0, { valueDate: "1970" })],
  ["a function that may take long", remove("Patient.name.where(family.matches('(a+)+$'))")],
  [
    "a function within that may",
    remove("Patient.name.where(family.replaceMatches('a', 'b') = 'c')"),
  ],
  ["descendants", remove("Patient.descendants()")],
  ["what is no FHIRPath", remove("Patient.(")],
  ["an unknown type", operation("merge", "Patient")],
  ["no value", operation("replace", "Patient.birthDate")],
  ["a path that is too long", remove(`Patient${".name".repeat(300)}`)],
] as const)
  test(`${what} is refused, naming the operation`, () => {
    const before = add("Patient", "gender", { valueCode: "female" });
    assert.equal(patched(patient, before, sent), "patch-refused Parameters.parameter[1]");
  });

test("a patch that would visit too much is stopped", () => {
  const many = { ...patient, identifier: Array.from({ length: 1_000 }, () => ({ value: "x" })) };
  const each = Array.from({ length: 500 }, () => remove("Patient.identifier.where(value = 'y')"));
  assert.match(String(patched(many, ...each)), /^too-costly Parameters/);
});
