import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { assess } from "#records/fhir/assess.ts";
import { conformanceOf } from "#records/fhir/conformance.ts";

const url = "http://e.example/Questionnaire/intake";

function faults(
  item: readonly object[],
  given: readonly object[],
  status = "completed",
): readonly string[] {
  const questionnaire = { resourceType: "Questionnaire", url, status: "active", item };
  const text = JSON.stringify(questionnaire);
  const conformance = conformanceOf([{ kind: "Questionnaire", url, version: null, text }]);
  const response = {
    resourceType: "QuestionnaireResponse",
    questionnaire: url,
    status,
    ...(given.length === 0 ? {} : { item: given }),
  };
  const assessed = assess(JSON.stringify(response), { conformance, profiles: [] });
  assert.ok(assessed.ok);
  return assessed.value
    .filter(({ severity }) => severity === "error")
    .map(({ at, detail }) => `${at.replace("QuestionnaireResponse", "")} ${detail}`);
}

const core = "http://hl7.org/fhir/StructureDefinition/";
const question = (type: string, more: object = {}): object => ({ linkId: "q", type, ...more });
const answered = (...answer: readonly object[]): readonly object[] => [{ linkId: "q", answer }];
const coding = (code: string): object => ({ valueCoding: { system: "http://e.example/c", code } });

suite("a QuestionnaireResponse is judged by its questionnaire:", () => {
  const wrong: readonly (readonly [string, object, readonly object[], RegExp])[] = [
    [
      "a type other than asked",
      question("date"),
      answered({ valueString: "x" }),
      /not of the type/,
    ],
    ["an item it has not", question("string"), [{ linkId: "z" }], /no item of the questionnaire/],
    [
      "two answers where one is asked",
      question("string"),
      answered({ valueString: "a" }, { valueString: "b" }),
      /more than the one/,
    ],
    [
      "no answer where one is required",
      question("string", { required: true }),
      [{ linkId: "q" }],
      /requires/,
    ],
    [
      "an option not offered",
      question("choice", { answerOption: [coding("a")] }),
      answered(coding("b")),
      /none of the answers/,
    ],
    [
      "a code outside its value set",
      question("choice", { answerValueSet: "http://hl7.org/fhir/ValueSet/administrative-gender" }),
      answered(coding("a")),
      /not in the value set/,
    ],
    [
      "a text too long",
      question("string", { maxLength: 2 }),
      answered({ valueString: "abc" }),
      /longer/,
    ],
    [
      "a number too small",
      question("integer", { extension: [{ url: `${core}minValue`, valueInteger: 3 }] }),
      answered({ valueInteger: 2 }),
      /less than/,
    ],
    [
      "a date too late",
      question("date", { extension: [{ url: `${core}maxValue`, valueDate: "2022" }] }),
      answered({ valueDate: "2023-01-01" }),
      /more than/,
    ],
    [
      "an answer to a group",
      { linkId: "q", type: "group", item: [question("string", { linkId: "r" })] },
      answered({ valueString: "a" }),
      /takes no answer/,
    ],
  ];
  for (const [what, item, given, why] of wrong)
    test(`${what} is told`, () => {
      const found = faults([item], given);
      assert.ok(
        found.some((each) => why.test(each)),
        found.join("; "),
      );
    });

  const right: readonly (readonly [string, object, readonly object[]])[] = [
    [
      "an option offered, whatever its display",
      question("choice", { answerOption: [coding("a")] }),
      answered({ valueCoding: { system: "http://e.example/c", code: "a", display: "A" } }),
    ],
    [
      "free text where the choice is open",
      question("open-choice", { answerOption: [coding("a")] }),
      answered({ valueString: "x" }),
    ],
    [
      "several answers where it repeats",
      question("string", { repeats: true }),
      answered({ valueString: "a" }, { valueString: "b" }),
    ],
    ["no answer where none is required", question("string"), []],
    [
      "no answer to what is off",
      question("string", {
        required: true,
        enableWhen: [{ question: "p", operator: "exists", answerBoolean: true }],
      }),
      [],
    ],
  ];
  for (const [what, item, given] of right)
    test(`${what} is right`, () => assert.deepEqual(faults([item], given), []));

  test("one in progress may lack what is required", () => {
    const item = [question("string", { required: true })];
    assert.deepEqual(faults(item, [], "in-progress"), []);
    assert.equal(faults(item, []).length, 1);
  });
});
