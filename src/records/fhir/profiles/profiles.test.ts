import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { conformanceOf, type Conformance, type DefinitionKind } from "#records/fhir/conformance.ts";
import { parseResource } from "#records/fhir/parse.ts";

const base = "http://e.example/StructureDefinition/";
const core = "http://hl7.org/fhir/StructureDefinition/";

function profileOf(
  name: string,
  type: string,
  element: readonly object[],
  more: object = {},
): object {
  return {
    resourceType: "StructureDefinition",
    url: base + name,
    type,
    kind: "resource",
    derivation: "constraint",
    baseDefinition: core + type,
    differential: { element },
    ...more,
  };
}

function installed(definitions: readonly object[]): Conformance {
  return conformanceOf(
    definitions.map((each) => {
      const { resourceType, url } = each as { resourceType: DefinitionKind; url: string };
      return { kind: resourceType, url, version: null, text: JSON.stringify(each) };
    }),
  );
}

/** What is wrong with a resource that claims the profile of this name; empty when nothing is. */
function faults(conformance: Conformance, resource: object, name = "p"): readonly string[] {
  const claiming = { ...resource, meta: { profile: [base + name] } };
  const parsed = parseResource(JSON.stringify(claiming), { conformance });
  if (parsed.ok) return [];
  const { at = "", detail = "", also = [] } = parsed.problem;
  return [{ at, detail }, ...also].map((each) => `${each.at} ${each.detail}`);
}

const patient = (more: object): object => ({ resourceType: "Patient", ...more });

function observation(more: object): object {
  return { resourceType: "Observation", status: "final", code: { text: "x" }, ...more };
}

const element = (id: string, more: object): object => ({
  id,
  path: id.replaceAll(/:[^.]+/g, ""),
  ...more,
});

suite("a claimed profile is kept when", () => {
  interface Case {
    readonly what: string;
    readonly type: string;
    readonly elements: readonly object[];
    readonly right: object;
    readonly wrong: object;
    readonly at: string;
  }
  const cases: readonly Case[] = [
    {
      what: "what it requires is there",
      type: "Patient",
      elements: [element("Patient.name", { min: 1 })],
      right: patient({ name: [{ text: "A" }] }),
      wrong: patient({}),
      at: "Patient.name",
    },
    {
      what: "no more is there than it allows",
      type: "Patient",
      elements: [element("Patient.name", { max: "1" })],
      right: patient({ name: [{ text: "A" }] }),
      wrong: patient({ name: [{ text: "A" }, { text: "B" }] }),
      at: "Patient.name",
    },
    {
      what: "a fixed value is that value",
      type: "Patient",
      elements: [element("Patient.active", { fixedBoolean: true })],
      right: patient({ active: true }),
      wrong: patient({ active: false }),
      at: "Patient.active",
    },
    {
      what: "a pattern is held, whatever else there is",
      type: "Observation",
      elements: [
        element("Observation.code", { patternCodeableConcept: { coding: [{ code: "a" }] } }),
      ],
      right: observation({ code: { coding: [{ code: "b" }, { code: "a", display: "A" }] } }),
      wrong: observation({ code: { coding: [{ code: "b" }] } }),
      at: "Observation.code",
    },
    {
      what: "a value is of a type that it allows",
      type: "Observation",
      elements: [element("Observation.value[x]", { type: [{ code: "Quantity" }] })],
      right: observation({ valueQuantity: { value: 1 } }),
      wrong: observation({ valueString: "1" }),
      at: "Observation.value",
    },
    {
      what: "a required binding has one of its codes",
      type: "Observation",
      elements: [
        element("Observation.interpretation", {
          binding: { strength: "required", valueSet: "http://e.example/ValueSet/v" },
        }),
      ],
      right: observation({
        interpretation: [{ coding: [{ system: "http://e.example/c", code: "a" }] }],
      }),
      wrong: observation({
        interpretation: [{ coding: [{ system: "http://e.example/c", code: "z" }] }],
      }),
      at: "Observation.interpretation[0]",
    },
    {
      what: "its rule holds",
      type: "Patient",
      elements: [
        element("Patient", {
          constraint: [{ key: "e-1", severity: "error", expression: "name.exists() or active" }],
        }),
      ],
      right: patient({ active: true }),
      wrong: patient({ active: false }),
      at: "Patient",
    },
    {
      what: "a slice told by a value is there, and as it asks",
      type: "Patient",
      elements: [
        element("Patient.identifier", {
          slicing: { discriminator: [{ type: "value", path: "system" }], rules: "open" },
        }),
        element("Patient.identifier:mrn", { min: 1, max: "1", sliceName: "mrn" }),
        element("Patient.identifier:mrn.system", { fixedUri: "http://e.example/mrn" }),
        element("Patient.identifier:mrn.value", { min: 1 }),
      ],
      right: patient({
        identifier: [{ system: "http://e.example/mrn", value: "1" }, { value: "2" }],
      }),
      wrong: patient({ identifier: [{ system: "http://e.example/mrn" }] }),
      at: "Patient.identifier[0].value",
    },
    {
      what: "nothing is outside of closed slices",
      type: "Observation",
      elements: [
        element("Observation.component", {
          slicing: { discriminator: [{ type: "pattern", path: "code" }], rules: "closed" },
        }),
        element("Observation.component:a", { sliceName: "a" }),
        element("Observation.component:a.code", { patternCodeableConcept: { text: "a" } }),
      ],
      right: observation({ component: [{ code: { text: "a" } }] }),
      wrong: observation({ component: [{ code: { text: "a" } }, { code: { text: "b" } }] }),
      at: "Observation.component[1]",
    },
    {
      what: "a slice told by type, in the short form, is there",
      type: "Observation",
      elements: [
        { id: "Observation.valueQuantity", path: "Observation.valueQuantity", min: 1 },
        { id: "Observation.valueQuantity.unit", path: "Observation.valueQuantity.unit", min: 1 },
      ],
      right: observation({ valueQuantity: { value: 1, unit: "m" } }),
      wrong: observation({ valueQuantity: { value: 1 } }),
      at: "Observation.value.unit",
    },
    {
      what: "a reference points to a type that it allows",
      type: "Observation",
      elements: [
        element("Observation.subject", {
          type: [{ code: "Reference", targetProfile: [`${core}Patient`] }],
        }),
      ],
      right: observation({ subject: { reference: "Patient/a" } }),
      wrong: observation({ subject: { reference: "Group/a" } }),
      at: "Observation.subject.reference",
    },
  ];
  const valueSet = {
    resourceType: "ValueSet",
    url: "http://e.example/ValueSet/v",
    compose: { include: [{ system: "http://e.example/c", concept: [{ code: "a" }] }] },
  };
  for (const { what, type, elements, right, wrong, at } of cases)
    test(what, () => {
      const conformance = installed([profileOf("p", type, elements), valueSet]);
      assert.deepEqual(faults(conformance, right), []);
      const found = faults(conformance, wrong);
      assert.ok(
        found.some((each) => each.startsWith(`${at} `)),
        `${at}: ${found.join("; ")}`,
      );
    });
});

suite("a profile", () => {
  test("keeps what the one that it is based on asks", () => {
    const parent = profileOf("parent", "Patient", [element("Patient.name", { min: 1 })]);
    const child = profileOf("p", "Patient", [element("Patient.birthDate", { min: 1 })], {
      baseDefinition: `${base}parent`,
    });
    const found = faults(installed([parent, child]), patient({}));
    assert.deepEqual(found.map((each) => each.split(" ")[0] ?? "").sort(), [
      "Patient.birthDate",
      "Patient.name",
    ]);
  });

  test("is read by its snapshot where the one that it is based on is not installed", () => {
    const lone = profileOf("p", "Patient", [], {
      baseDefinition: `${base}elsewhere`,
      snapshot: { element: [element("Patient", {}), element("Patient.name", { min: 1 })] },
    });
    assert.equal(faults(installed([lone]), patient({})).length, 1);
  });

  test("that is not installed asks nothing", () => {
    assert.deepEqual(faults(installed([]), patient({})), []);
  });

  test("that is based on itself, or names itself for a part, comes to an end", () => {
    const circular = profileOf("p", "Patient", [element("Patient.name", { min: 1 })], {
      baseDefinition: `${base}p`,
    });
    assert.equal(faults(installed([circular]), patient({})).length, 1);
    const nested = profileOf("p", "Patient", [
      element("Patient.contained", { type: [{ code: "Patient", profile: [`${base}p`] }] }),
      element("Patient.name", { min: 1 }),
    ]);
    const inner = patient({ id: "i", name: [{ text: "A" }] });
    const found = faults(installed([nested]), patient({ contained: [inner] }));
    assert.deepEqual(found, ["Patient.name is required by the profile"]);
  });
});

suite("an extension", () => {
  const definition = profileOf(
    "e",
    "Extension",
    [
      element("Extension", {}),
      element("Extension.url", { fixedUri: `${base}e` }),
      element("Extension.value[x]", { type: [{ code: "code" }], min: 1 }),
    ],
    { kind: "complex-type", context: [{ type: "element", expression: "Patient" }] },
  );
  const extended = (more: object): object => ({ extension: [{ url: `${base}e`, ...more }] });
  const conformance = installed([definition]);

  test("follows its own definition wherever it stands", () => {
    assert.deepEqual(faults(conformance, patient(extended({ valueCode: "a" }))), []);
    assert.match(faults(conformance, patient(extended({ valueString: "a" }))).join(), /type/);
  });

  test("stands only where its definition lets it", () => {
    const found = faults(conformance, patient({ name: [extended({ valueCode: "a" })] }));
    assert.match(found.join(), /may not stand here/);
  });

  test("that nobody defined is kept as it is", () => {
    const unknown = { extension: [{ url: "http://e.example/unheard-of", valueString: "x" }] };
    assert.deepEqual(faults(conformance, patient(unknown)), []);
  });
});
