import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { isFalse } from "#records/fhir/invariants.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { rules } from "#records/fhir/rules.ts";
import { cpuMs } from "#records/fhir/testing.ts";
import { typeSchema } from "#records/fhir/schema.ts";

/** Objects of a type with any of these keys: enough for its rules to be kept and broken. */
interface Shape {
  readonly type: string;
  readonly keys: Readonly<Record<string, readonly unknown[]>>;
  /** What R4 requires anyway, so that its rules need not speak of its absence. */
  readonly when?: (value: JsonObject) => boolean;
  /** Where the rules are stated: at the type, or at the element of another. */
  readonly statedAt?: readonly [type: string, key: string];
}

const text = ["x"] as const;
const concept = (system: string, ...codes: string[]): readonly unknown[] =>
  codes.map((code) => ({ coding: [{ system, code }] }));
const terminology = "http://terminology.hl7.org/CodeSystem/";

const shapes: readonly Shape[] = [
  {
    type: "Questionnaire.item",
    statedAt: ["Questionnaire", "item"],
    // Without `repeats` FHIRPath says neither yes nor no of que-13; the rule is meant to be broken then.
    when: (item) => "type" in item && "repeats" in item,
    keys: {
      type: ["group", "display", "choice", "open-choice", "string", "boolean", "url", "quantity"],
      item: [[{ linkId: "1", type: "string" }]],
      code: [[{ code: "x" }]],
      answerOption: [[{ valueString: "x" }]],
      answerValueSet: ["http://e.example/vs"],
      required: [true, false],
      repeats: [true, false],
      initial: [[{ valueString: "x" }], [{ valueString: "x" }, { valueString: "y" }]],
      readOnly: [true, false],
      maxLength: [5],
      enableWhen: [[{ question: "1" }], [{ question: "1" }, { question: "2" }, { question: "3" }]],
      enableBehavior: ["all"],
    },
  },
  {
    type: "Questionnaire.item.enableWhen",
    statedAt: ["Questionnaire.item", "enableWhen"],
    when: (value) => "operator" in value && "answerBoolean" in value !== "answerString" in value,
    keys: { operator: ["exists", "="], answerBoolean: [true], answerString: text },
  },
  {
    type: "QuestionnaireResponse.item",
    statedAt: ["QuestionnaireResponse", "item"],
    keys: { answer: [[{ valueString: "x" }]], item: [[{ linkId: "1" }]] },
  },
  {
    type: "Timing.repeat",
    statedAt: ["Timing", "repeat"],
    keys: {
      duration: [1, 0, -1],
      durationMax: [2],
      durationUnit: ["h"],
      period: [1, 0, -1],
      periodMax: [2],
      periodUnit: ["d"],
      count: [1],
      countMax: [2],
      offset: [5],
      when: [["C"], ["MORN"], ["MORN", "CM"]],
      timeOfDay: [["08:00:00"]],
    },
  },
  { type: "Attachment", keys: { data: ["YWJj"], contentType: ["text/plain"], url: ["x"] } },
  { type: "ContactPoint", keys: { value: text, system: ["phone"], use: ["home"] } },
  { type: "Quantity", keys: { value: [1], code: ["kg"], system: ["http://unitsofmeasure.org"] } },
  {
    type: "CarePlan.activity",
    statedAt: ["CarePlan", "activity"],
    keys: { detail: [{ status: "scheduled" }], reference: [{ reference: "Task/1" }] },
  },
  {
    type: "Patient.contact",
    statedAt: ["Patient", "contact"],
    keys: {
      name: [{ text: "x" }],
      telecom: [[{ system: "phone", value: "1" }]],
      address: [{ text: "x" }],
      organization: [{ display: "x" }],
      gender: ["female"],
    },
  },
  {
    type: "RequestGroup.action",
    statedAt: ["RequestGroup", "action"],
    keys: { resource: [{ reference: "Task/1" }], action: [[{ title: "x" }]], title: text },
  },
  {
    type: "Observation.referenceRange",
    statedAt: ["Observation", "referenceRange"],
    keys: { low: [{ value: 1 }], high: [{ value: 2 }], text, age: [{ low: { value: 1 } }] },
  },
  {
    type: "Observation",
    keys: {
      dataAbsentReason: [{ text: "x" }],
      valueString: text,
      valueQuantity: [{ value: 1 }],
    },
  },
  {
    type: "AllergyIntolerance",
    keys: {
      clinicalStatus: concept(`${terminology}allergyintolerance-clinical`, "active"),
      verificationStatus: [
        ...concept(
          `${terminology}allergyintolerance-verification`,
          "confirmed",
          "entered-in-error",
        ),
        ...concept("http://e.example/other", "entered-in-error"),
      ],
    },
  },
  {
    type: "Condition",
    keys: {
      clinicalStatus: concept(`${terminology}condition-clinical`, "active", "resolved", "inactive"),
      verificationStatus: concept(
        `${terminology}condition-ver-status`,
        "confirmed",
        "entered-in-error",
      ),
      abatementDateTime: ["2024"],
      abatementString: text,
    },
  },
];

/** The rules that R4 states over a shape, of those that are written out. */
function rulesOver({ type, statedAt }: Shape): readonly { key: string; expression: string }[] {
  const own = typeSchema(type)?.constraints ?? [];
  const at = statedAt === undefined ? null : typeSchema(statedAt[0])?.elements.get(statedAt[1]);
  return [...own, ...(at?.constraints ?? [])].filter(({ key }) => rules[key] !== undefined);
}

function objectsOf({ keys, when = () => true }: Shape): fc.Arbitrary<JsonObject> {
  const members = Object.entries(keys).map(([key, values]) =>
    fc
      .option(fc.constantFrom(...values), { freq: 2 })
      .map((value): [string, unknown] => [key, value]),
  );
  return fc
    .tuple(...members)
    .map((pairs): JsonObject => Object.fromEntries(pairs.filter(([, value]) => value !== null)))
    .filter(when);
}

// The library's FHIRPath errs on this one: it finds no equal objects by intersect.
const libraryErrs = new Set(["obs-7"]);

suite("the written-out rules agree with R4's FHIRPath on any", () => {
  for (const shape of shapes)
    test(shape.type, () => {
      const stated = rulesOver(shape).filter(({ key }) => !libraryErrs.has(key));
      assert.ok(stated.length > 0, "no rule is stated there");
      const seen = new Map<string, Set<boolean>>();
      const resource = { resourceType: shape.type.replace(/\..*/, "") };
      fc.assert(
        fc.property(objectsOf(shape), (members) => {
          const value = shape.type.includes(".") ? members : { ...resource, ...members };
          const subject = { value, type: shape.type, resource, container: resource };
          for (const { key, expression } of stated) {
            const broken = rules[key]?.(value, subject) === false;
            assert.equal(broken, isFalse(subject, expression), `${key} ${JSON.stringify(value)}`);
            seen.set(key, (seen.get(key) ?? new Set()).add(broken));
          }
        }),
        { numRuns: 300 },
      );
      for (const { key } of stated)
        if (!key.startsWith("dom-")) assert.equal(seen.get(key)?.size, 2, `${key} was not both`);
    });
});

test("a reference into thousands of contained resources is found without reading them all again", () => {
  const contained = Array.from({ length: 20_000 }, (_, i) => ({
    resourceType: "Basic",
    id: `${i}`,
  }));
  const container: JsonObject = { resourceType: "List", contained };
  const rule = rules["ref-1"] ?? assert.fail();
  const ms = cpuMs(() => {
    for (let i = 0; i < 20_000; i += 1) {
      const value = { reference: `#${i}` };
      const subject = { value, type: "Reference", resource: container, container };
      assert.ok(isObject(value) && rule(value, subject));
    }
  });
  assert.ok(ms < 1_000, `${ms.toFixed(0)} ms`);
});
