import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Resource, SearchParameter } from "@medplum/fhirtypes";
import * as fc from "fast-check";
import { parseInstant } from "#core/clock.ts";
import { parseResourceType } from "#core/ids.ts";
import { conformanceOf } from "#records/fhir/conformance.ts";
import { wantedNumber } from "#records/fhir/search-number.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";
import { parseSearch, searchLabels, type SearchOptions } from "#records/fhir/search.ts";
import { resourceOf } from "#records/fhir/testing.ts";

function isFound(value: Resource, query: string, options: SearchOptions = {}): boolean {
  const type = parseResourceType(value.resourceType) ?? assert.fail();
  const plan = parseSearch(type, new URLSearchParams(query), options);
  assert.ok(plan.ok, `${query}: ${JSON.stringify(plan.ok ? "" : plan.problem)}`);
  const found = plan.value.matches(value);
  const own = new Set(searchLabels(value));
  const isLookedUp = plan.value.labels.every((group) => group.some((label) => own.has(label)));
  assert.ok(!found || isLookedUp, `${query} is not looked up`);
  return found;
}

/** Each query with whether it finds the resource. */
function finds(value: Resource, facts: Readonly<Record<string, boolean>>): void {
  for (const [query, found] of Object.entries(facts))
    assert.equal(isFound(value, query), found, query);
}

const ucum = "http://unitsofmeasure.org";
const loinc = "http://loinc.org";

const measured = (quantity: object, more: object = {}): Resource =>
  resourceOf({
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ system: loinc, code: "2339-0", display: "Glucose in Blood" }] },
    subject: { reference: "Patient/p1" },
    valueQuantity: quantity,
    ...more,
  });

suite("a quantity is found", () => {
  const glucose = measured({ value: 5.4, unit: "mmol per litre", system: ucum, code: "mmol/L" });

  test("by its number, as exact as it was asked for", () => {
    finds(glucose, {
      "value-quantity=5.4": true,
      "value-quantity=5": true,
      "value-quantity=5.40": true,
      "value-quantity=5.41": false,
      "value-quantity=54e-1": true,
      "value-quantity=6": false,
      "value-quantity=ne5.4": false,
      "value-quantity=ne5.5": true,
      "value-quantity=gt5.4": false,
      "value-quantity=ge5.4": true,
      "value-quantity=lt5.5": true,
      "value-quantity=le5.3": false,
      "value-quantity=sa5": true,
      "value-quantity=eb5.4": false,
      "value-quantity=ap5": true,
      "value-quantity=ap4.8": false,
      "value-quantity=1,5.4": true,
    });
  });

  test("by its unit: by system and code, or by either of code and print without a system", () => {
    finds(glucose, {
      [`value-quantity=5.4|${ucum}|mmol/L`]: true,
      [`value-quantity=5.4|${ucum}|mg/dL`]: false,
      [`value-quantity=5.4|${ucum}|`]: true,
      "value-quantity=5.4|http://e.example|mmol/L": false,
      "value-quantity=5.4||mmol/L": true,
      "value-quantity=5.4||mmol per litre": true,
      "value-quantity=5.4||mg": false,
    });
  });

  test("that is only known to be below or above a number", () => {
    const below = measured({ value: 5, comparator: "<", unit: "x" });
    finds(below, {
      "value-quantity=lt1": true,
      "value-quantity=5": false,
      "value-quantity=gt5": false,
    });
    const above = measured({ value: 5, comparator: ">=", unit: "x" });
    finds(above, {
      "value-quantity=gt9": true,
      "value-quantity=lt5": false,
      "value-quantity=sa4": true,
    });
  });

  test("as a range, an age or money", () => {
    const condition = {
      resourceType: "Condition",
      subject: { reference: "Patient/p1" },
      clinicalStatus: {
        coding: [
          { system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" },
        ],
      },
    };
    const between = resourceOf({
      ...condition,
      onsetRange: { low: { value: 30, unit: "a" }, high: { value: 40, unit: "a" } },
    });
    finds(between, {
      "onset-age=35": false,
      "onset-age=ap40": true,
      "onset-age=gt39": true,
      "onset-age=sa29||a": true,
      "onset-age=eb40": false,
    });
    const aged = { value: 30, system: ucum, code: "a", unit: "a" };
    finds(resourceOf({ ...condition, onsetAge: aged }), { [`onset-age=30|${ucum}|a`]: true });
    const invoice = resourceOf({
      resourceType: "Invoice",
      status: "issued",
      subject: { reference: "Patient/p1" },
      totalGross: { value: 12.5, currency: "USD" },
    });
    finds(invoice, {
      "totalgross=12.5|urn:iso:std:iso:4217|USD": true,
      "totalgross=12.5||EUR": false,
    });
  });
});

test("a number is found as a quantity is", () => {
  const assessment = resourceOf({
    resourceType: "RiskAssessment",
    status: "final",
    subject: { reference: "Patient/p1" },
    prediction: [{ probabilityDecimal: 0.8 }],
  });
  finds(assessment, {
    "probability=0.8": true,
    "probability=gt0.5": true,
    "probability=lt0.8": false,
  });
});

test("the digits of a number say what it stands for, as R4 has it", () => {
  const rounded = (text: string): readonly (number | undefined)[] => {
    const wanted = wantedNumber(text)?.rounded;
    return [wanted?.from, wanted?.to];
  };
  assert.deepEqual(rounded("100"), [99.5, 100.5]);
  assert.deepEqual(rounded("100.00"), [99.995, 100.005]);
  assert.deepEqual(rounded("1e2"), [95, 105]);
  assert.deepEqual(rounded("5.40e-3"), [0.005395, 0.005405]);
  assert.deepEqual(rounded("-7"), [-7.5, -6.5]);
  for (const text of ["", ".", "1.", ".5", "1e", "0x1", "NaN", "1e999", "9".repeat(31)])
    assert.equal(wantedNumber(text), null, text);
});

test("a number that is written shorter is found by what it was rounded to", () => {
  const digits = fc.integer({ min: -99_999, max: 99_999 });
  fc.assert(
    fc.property(digits, fc.integer({ min: 0, max: 4 }), (whole, places) => {
      // Rounded half up, by whole numbers alone.
      const unit = 10 ** places;
      const rounded = Math.floor((whole * 2 + unit) / (2 * unit));
      const asked = wantedNumber(String(rounded))?.rounded ?? assert.fail();
      const value = Number(`${whole}e-${places}`);
      assert.ok(asked.from <= value && value < asked.to, `${value} by ${rounded}`);
      assert.ok(!(asked.from <= value + 1 && value + 1 < asked.to));
    }),
  );
});

suite("a composite is found", () => {
  const pressure = resourceOf({
    resourceType: "Observation",
    status: "final",
    code: { coding: [{ system: loinc, code: "85354-9" }] },
    subject: { reference: "Patient/p1" },
    component: [
      { code: { coding: [{ system: loinc, code: "8480-6" }] }, valueQuantity: { value: 142 } },
      { code: { coding: [{ system: loinc, code: "8462-4" }] }, valueQuantity: { value: 88 } },
    ],
  });

  test("by parts of one element, not of two", () => {
    finds(pressure, {
      "component-code-value-quantity=8480-6$gt140": true,
      "component-code-value-quantity=8462-4$gt140": false,
      "component-code-value-quantity=8462-4$88,8480-6$1": true,
      "combo-code-value-quantity=http://loinc.org|8480-6$142": true,
      "code-value-quantity=8480-6$142": false,
      "component-code-value-quantity:missing=false": true,
      "code-value-quantity:missing=true": true,
    });
    finds(measured({ value: 5.4 }), {
      "code-value-quantity=http://loinc.org|2339-0$5.4": true,
      "code-value-quantity=2339-0$lt5": false,
      "code-value-quantity=1$5.4": false,
    });
  });

  test("by the labels of its code, when it speaks of the whole resource", () => {
    const type = parseResourceType("Observation") ?? assert.fail();
    const labels = (query: string): unknown => {
      const plan = parseSearch(type, new URLSearchParams(query));
      return plan.ok ? plan.value.labels : plan.problem;
    };
    assert.deepEqual(labels("code-value-quantity=2339-0$gt5,1$2"), [["code=2339-0", "code=1"]]);
    assert.deepEqual(labels("combo-code-value-quantity=2339-0$gt5"), []);
  });

  test("by what stands elsewhere in the resource, where R4 says so", () => {
    const sequence = resourceOf({
      resourceType: "MolecularSequence",
      coordinateSystem: 0,
      referenceSeq: {
        referenceSeqId: { coding: [{ code: "NC_1" }] },
        windowStart: 1,
        windowEnd: 9,
      },
      variant: [{ start: 10, end: 20 }],
    });
    finds(sequence, {
      "referenceseqid-variant-coordinate=NC_1$ge10$le20": true,
      "referenceseqid-variant-coordinate=NC_2$ge10$le20": false,
      "referenceseqid-window-coordinate=NC_1$1$9": true,
    });
  });
});

suite("modifiers:", () => {
  test(":missing asks whether there is any value, of every kind", () => {
    finds(measured({ value: 1 }), {
      "value-quantity:missing=false": true,
      "value-quantity:missing=true": false,
      "date:missing=true": true,
      "date:missing=false": false,
      "patient:missing=true": false,
      "value-string:missing=true": true,
      "code:missing=false": true,
    });
  });

  test(":text asks for the words beside a code", () => {
    finds(measured({ value: 1 }), {
      "code:text=gluc": true,
      "code:text=GLUCOSE in": true,
      "code:text=blood": true,
      "code:text=lood": false,
      "code:text=2339-0": false,
    });
  });

  test(":of-type asks for an identifier of a type, :identifier for one within a reference", () => {
    const v2 = "http://terminology.hl7.org/CodeSystem/v2-0203";
    const patient = resourceOf({
      resourceType: "Patient",
      identifier: [
        { type: { coding: [{ system: v2, code: "MR" }], text: "Chart number" }, value: "7" },
      ],
      generalPractitioner: [{ identifier: { system: "http://e.example/npi", value: "9" } }],
    });
    finds(patient, {
      [`identifier:of-type=${v2}|MR|7`]: true,
      [`identifier:of-type=${v2}|SS|7`]: false,
      [`identifier:of-type=${v2}|MR|8`]: false,
      "identifier:text=chart": true,
      "general-practitioner:identifier=http://e.example/npi|9": true,
      "general-practitioner:identifier=9": true,
      "general-practitioner:identifier=8": false,
      "general-practitioner:missing=false": true,
    });
  });

  test(":above and :below follow the path of an address", () => {
    const valueSet = resourceOf({
      resourceType: "ValueSet",
      status: "draft",
      url: "http://e.example/a/b",
    });
    finds(valueSet, {
      "url=http://e.example/a/b": true,
      "url=http://e.example/a": false,
      "url:below=http://e.example/a": true,
      "url:below=http://e.example/a/": true,
      "url:below=http://e.example/a/b": true,
      "url:below=http://e.example/a/bc": false,
      "url:above=http://e.example/a/b/c": true,
      "url:above=http://e.example/a/bc": false,
    });
  });

  test(":not and :missing=true find what the same without them does not", () => {
    const code = fc.constantFrom("a", "b", "c");
    const observation = fc.tuple(fc.array(code), fc.boolean()).map(([codes, dated]) =>
      resourceOf({
        resourceType: "Observation",
        status: "final",
        code: { text: "x" },
        subject: { reference: "Patient/p1" },
        ...(codes.length === 0
          ? {}
          : { category: [{ coding: codes.map((each) => ({ code: each })) }] }),
        ...(dated ? { effectiveDateTime: "2024" } : {}),
      }),
    );
    fc.assert(
      fc.property(observation, fc.uniqueArray(code, { minLength: 1 }), (value, codes) => {
        const list = codes.join(",");
        assert.notEqual(isFound(value, `category=${list}`), isFound(value, `category:not=${list}`));
        assert.notEqual(isFound(value, "date:missing=true"), isFound(value, "date:missing=false"));
      }),
    );
  });
});

test("a code without a system is found by the one that it implies", () => {
  const system = "http://hl7.org/fhir/observation-status";
  finds(measured({ value: 1 }), {
    [`status=${system}|final`]: true,
    [`status=${system}|`]: true,
    "status=|final": true,
    [`status=${system}|amended`]: false,
    "status=http://hl7.org/fhir/administrative-gender|final": false,
    [`status:not=${system}|final`]: false,
  });
});

test("a canonical with a version is found without it, and by no other version", () => {
  const canonical = "http://e.example/Questionnaire/q";
  const answers = resourceOf({
    resourceType: "QuestionnaireResponse",
    status: "completed",
    questionnaire: `${canonical}|2.0`,
    meta: { profile: ["http://e.example/p|1"] },
  });
  finds(answers, {
    [`questionnaire=${canonical}`]: true,
    [`questionnaire=${canonical}|2.0`]: true,
    [`questionnaire=${canonical}|3.0`]: false,
    "_profile=http://e.example/p": true,
    "_profile=http://e.example/p|1": true,
    "_profile=http://e.example/p|2": false,
  });
});

test("an address of this server is a reference to what it names", () => {
  const value = measured({ value: 1 });
  const base = "https://portal.example/fhir";
  assert.equal(isFound(value, `subject=${base}/Patient/p1`, { base }), true);
  assert.equal(isFound(value, `subject=${base}/Patient/p2`, { base }), false);
  assert.equal(isFound(value, `subject=${base}/Patient/p1`), false);
  const type = parseResourceType("Observation") ?? assert.fail();
  const plan = parseSearch(type, new URLSearchParams({ patient: `${base}/Patient/p1` }), { base });
  assert.equal(plan.ok && plan.value.patient, "p1");
});

test("ap finds dates within a tenth of the time since then", () => {
  const value = measured({ value: 1 }, { effectiveDateTime: "2024-01-05" });
  const now = parseInstant(Date.parse("2024-07-01")) ?? assert.fail();
  assert.equal(isFound(value, "date=ap2024-01-15", { now }), true);
  assert.equal(isFound(value, "date=ap2024-02-15", { now }), false);
  assert.equal(isFound(value, "date=ap2024-01-05"), true);
  assert.equal(isFound(value, "date=ap2024-01-15"), false);
  const late = parseInstant(Date.parse("2024-01-16")) ?? assert.fail();
  assert.equal(isFound(value, "date=ap2024-01-15", { now: late }), false);
});

test("a place is found by how near it is", () => {
  const location = resourceOf({
    resourceType: "Location",
    position: { latitude: 42.3601, longitude: -71.0589 },
  });
  finds(location, {
    "near=42.36|-71.05": true,
    "near=40.7128|-74.0060|300|km": false,
    "near=40.7128|-74.0060|310|km": true,
    "near=40.7128|-74.0060|191|[mi_us]": true,
    "near=40.7128|-74.0060|189|mi": false,
    "near=42.3601|-71.0589|0": true,
  });
});

suite("refused are", () => {
  const facts: readonly (readonly [type: string, query: string, code: string])[] = [
    ["Observation", "value-quantity=much", "parameter-invalid"],
    ["Observation", "value-quantity=", "parameter-invalid"],
    ["Observation", "value-quantity=5.4|mg", "parameter-invalid"],
    ["Observation", "value-quantity=5.4|a|b|c", "parameter-invalid"],
    ["Observation", "value-quantity:exact=5.4", "parameter-unknown"],
    ["Observation", "value-quantity:missing=maybe", "parameter-invalid"],
    ["Observation", "code-value-quantity=1", "parameter-invalid"],
    ["Observation", "code-value-quantity=1$2$3", "parameter-invalid"],
    ["Observation", "code-value-quantity=1$much", "parameter-invalid"],
    ["Observation", "code-value-quantity:not=1$2", "parameter-unknown"],
    ["Observation", "code:in=http://e.example/vs", "parameter-unknown"],
    ["Observation", "code:above=1", "parameter-unknown"],
    ["Observation", "code:text=", "parameter-invalid"],
    ["Observation", "code:of-type=a|b|c", "parameter-unknown"],
    ["Observation", "patient:identifier=", "parameter-invalid"],
    ["Observation", "value-string:text=a", "parameter-unknown"],
    ["Observation", "_text=a", "parameter-unknown"],
    ["Observation", "_content=a", "parameter-unknown"],
    ["Observation", "_filter=a", "parameter-unknown"],
    ["Observation", "_query=a", "parameter-unknown"],
    ["Observation", "_list=a", "parameter-unknown"],
    ["Patient", "identifier:of-type=a|b", "parameter-invalid"],
    ["Patient", "phone:text=5", "parameter-unknown"],
    ["RiskAssessment", "probability=high", "parameter-invalid"],
    ["RiskAssessment", "probability:not=1", "parameter-unknown"],
    ["Location", "near=here", "parameter-invalid"],
    ["Location", "near=91|0", "parameter-invalid"],
    ["Location", "near=1|1|-5", "parameter-invalid"],
    ["Location", "near=1|1|5|parsec", "parameter-invalid"],
    ["ValueSet", "url:exact=http://e.example", "parameter-unknown"],
  ];
  for (const [name, query, code] of facts)
    test(`${name}?${query}`, () => {
      const type = parseResourceType(name) ?? assert.fail();
      const plan = parseSearch(type, new URLSearchParams(query));
      assert.ok(!plan.ok);
      assert.deepEqual([plan.problem.code, plan.problem.at], [code, query.split("=", 1)[0]]);
    });
});

test("whatever is asked for is understood or refused, and a refusal does not repeat it", () => {
  const types = ["Patient", "Observation", "Location", "RiskAssessment", "ValueSet", "Encounter"];
  const parameter = fc
    .constantFrom(...types)
    .chain((type) =>
      fc.tuple(fc.constant(type), fc.constantFrom(...searchParameters(type).values())),
    );
  const modifier = fc.constantFrom(
    ..."missing exact contains not text of-type identifier above below Patient in wizard".split(
      " ",
    ),
  );
  const secret = "Zyx";
  const piece = fc.oneof(
    fc.constantFrom(
      "|",
      "$",
      ",",
      "\\",
      "ap",
      "2024",
      "-1e9",
      "gt",
      "Patient/",
      "9".repeat(40),
      secret,
    ),
    fc.string({ unit: "binary" }),
  );
  const value = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  let refused = 0;
  fc.assert(
    fc.property(parameter, fc.option(modifier), value, ([type, rule], suffix, text) => {
      const name = suffix === null ? rule.code : `${rule.code}:${suffix}`;
      const at = parseResourceType(type) ?? assert.fail();
      const plan = parseSearch(at, new URLSearchParams([[name, text]]));
      if (plan.ok) return;
      refused += 1;
      assert.ok(!JSON.stringify(plan.problem).includes(secret));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(refused > 500, String(refused));
});

suite("a parameter that a package adds", () => {
  const url = "http://e.example/fhir/StructureDefinition/race";
  const added = (parameter: Partial<SearchParameter> & { code: string }): SearchParameter => ({
    resourceType: "SearchParameter",
    url: `http://e.example/fhir/SearchParameter/${parameter.code}`,
    name: parameter.code,
    status: "active",
    description: "x",
    base: ["Patient"],
    type: "token",
    ...parameter,
  });
  const conformance = conformanceOf(
    [
      added({
        code: "race",
        expression: `Patient.extension.where(url = '${url}').extension.value.code`,
      }),
      added({
        code: "category",
        expression: `Patient.extension.where(url='${url}').extension.value`,
      }),
      added({ code: "gender", expression: "Patient.birthDate" }),
      added({ code: "broken", expression: "Patient.(" }),
      added({
        code: "died",
        type: "date",
        expression: "(Patient.deceased as dateTime)|Patient.birthDate",
      }),
    ].map((parameter) => ({
      kind: "SearchParameter" as const,
      url: parameter.url,
      version: null,
      text: JSON.stringify(parameter),
    })),
  );
  const patient = resourceOf({
    resourceType: "Patient",
    gender: "female",
    deceasedDateTime: "2024-05-09",
    extension: [
      {
        url,
        extension: [{ url: "detail", valueCoding: { system: "urn:oid:1.2", code: "2106-3" } }],
      },
    ],
  });

  test("is evaluated where the package is installed", () => {
    for (const [query, found] of [
      ["race=2106-3", true],
      ["race=2106-4", false],
      ["category=urn:oid:1.2|2106-3", true],
      ["died=2024-05-09", true],
      ["died=2023", false],
      ["broken=x", false],
    ] as const)
      assert.equal(isFound(patient, query, { conformance }), found, query);
    const type = parseResourceType("Patient") ?? assert.fail();
    assert.ok(!parseSearch(type, new URLSearchParams("race=x")).ok);
  });

  test("is left out when it is not one that can be evaluated", () => {
    const url = "http://e.example/fhir/SearchParameter/odd";
    const sound = { code: "odd", type: "token", base: ["Patient"], expression: "Patient.id", url };
    const isKnown = (parameter: object): boolean => {
      const text = JSON.stringify({ ...parameter, resourceType: "SearchParameter" });
      const odd = conformanceOf([{ kind: "SearchParameter", url, version: null, text }]);
      return searchParameters("Patient", odd).has("odd");
    };
    assert.equal(isKnown(sound), true);
    for (const fault of [
      { code: 5 },
      { type: "wizard" },
      { type: "special" },
      { base: null },
      { base: "Patient" },
      { expression: null },
      { url: null },
      { type: "composite", component: [{ definition: "http://e.example/none" }, null] },
    ])
      assert.equal(isKnown({ ...sound, ...fault }), false, JSON.stringify(fault));
  });

  test("does not stand in the way of one that R4 has", () => {
    assert.equal(isFound(patient, "gender=female", { conformance }), true);
    const rule = searchParameters("Patient", conformance).get("gender");
    assert.equal(rule?.definition, "http://hl7.org/fhir/SearchParameter/individual-gender");
  });
});

test("amounts sort as numbers do, and a parameter without an order is refused for sorting", () => {
  const values = [
    measured({ value: -2 }),
    measured({ value: -10 }),
    measured({ value: 3 }),
    measured({ value: 0 }),
  ];
  const type = parseResourceType("Observation") ?? assert.fail();
  const plan = parseSearch(type, new URLSearchParams("_sort=value-quantity"));
  assert.ok(plan.ok);
  const { sort } = plan.value;
  const sorted = values.toSorted((a, b) => sort.compare(sort.keyOf(a), sort.keyOf(b)));
  assert.deepEqual(
    sorted.map((value) =>
      value.resourceType === "Observation" ? value.valueQuantity?.value : null,
    ),
    [-10, -2, 0, 3],
  );
  for (const { code, kind } of searchParameters("Observation").values())
    assert.equal(
      parseSearch(type, new URLSearchParams({ _sort: code })).ok,
      !["reference", "composite", "special"].includes(kind),
      code,
    );
});
