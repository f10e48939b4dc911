import { isDeepStrictEqual } from "node:util";
import type { Conformance } from "#records/fhir/conformance.ts";
import { answerFaults, extensionOf, valueKeyOf } from "#records/fhir/forms/answers.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { fitsPattern } from "#records/fhir/profiles/held.ts";
import { fault, type Check } from "#records/fhir/profiles/walk.ts";

/** R4 §11.5.1: whether a QuestionnaireResponse answers the questionnaire that it names, as that asks. */

/** A response that is still being filled in may lack answers. */
const finished = new Set<unknown>(["completed", "amended"]);

interface Form {
  readonly check: Check;
  readonly isFinished: boolean;
  /** Every linkId of the questionnaire. */
  readonly items: ReadonlyMap<string, JsonObject>;
  readonly response: JsonObject;
}

function* itemsIn(holder: JsonObject): Generator<JsonObject> {
  for (const item of listOf(holder.item)) {
    if (!isObject(item)) continue;
    yield item;
    yield* itemsIn(item);
    for (const answer of listOf(item.answer)) if (isObject(answer)) yield* itemsIn(answer);
  }
}

/** The questionnaire: contained, else of an installed package; null when it is not at hand. */
function questionnaireOf(
  { questionnaire, contained }: JsonObject,
  conformance: Pick<Conformance, "questionnaire">,
): JsonObject | null {
  if (typeof questionnaire !== "string") return null;
  if (questionnaire.startsWith("#")) {
    const id = questionnaire.slice(1);
    const inner = listOf(contained).find((each) => isObject(each) && each.id === id);
    return isObject(inner) && inner.resourceType === "Questionnaire" ? inner : null;
  }
  const found: unknown = conformance.questionnaire(questionnaire);
  return isObject(found) ? found : null;
}

/** Questions under conditions of any depth may be off; only what is certainly asked is required. */
function isAsked({ enableWhen, extension }: JsonObject, { response }: Form): boolean {
  if (extension !== undefined && JSON.stringify(extension).includes("enableWhenExpression"))
    return false;
  const conditions = listOf(enableWhen);
  return conditions.every((each) => isObject(each) && holds(each, response));
}

function holds(condition: JsonObject, response: JsonObject): boolean {
  const { question, operator } = condition;
  const answers = [...itemsIn(response)]
    .filter(({ linkId }) => linkId === question)
    .flatMap(({ answer }) => listOf(answer).filter(isObject));
  if (operator === "exists") return answers.length > 0 === condition.answerBoolean;
  if (operator !== "=") return false;
  const key = Object.keys(condition).find((each) => each.startsWith("answer")) ?? "";
  const wanted = condition[key];
  return answers.some((answer) =>
    fitsPattern(answer[`value${key.slice("answer".length)}`], wanted),
  );
}

function at(check: Check, steps: readonly (string | number)[], work: () => void): void {
  check.path.push(...steps);
  work();
  check.path.length -= steps.length;
}

function checkCount(form: Form, asked: JsonObject, given: readonly JsonObject[]): void {
  const { check, isFinished } = form;
  const [first] = given;
  const isGroup = asked.type === "group";
  const answers = given.flatMap(({ answer }) => listOf(answer));
  const isEmpty = isGroup
    ? given.every((each) => listOf(each.item).length === 0)
    : answers.length === 0;
  const least = extensionOf(asked, "questionnaire-minOccurs");
  const most = extensionOf(asked, "questionnaire-maxOccurs");
  const wanted = typeof least === "number" ? least : 1;
  const count = isGroup ? given.length : answers.length;
  if (isFinished && isAsked(asked, form)) {
    if (asked.required === true && isEmpty)
      fault(check, "lacks an answer that the questionnaire requires");
    else if (
      typeof least === "number" &&
      count < wanted &&
      (asked.required === true || first !== undefined)
    )
      fault(check, "has fewer answers than the questionnaire requires");
  }
  if (typeof most === "number" && count > most)
    fault(check, "has more answers than the questionnaire allows");
  else if (asked.repeats !== true && least === undefined && most === undefined && count > 1)
    fault(check, "has more than the one answer that the questionnaire allows");
  if (!isGroup && given.length > 1) fault(check, "has an item twice whose answers belong in one");
}

function checkExclusive({ check }: Form, asked: JsonObject, answers: readonly JsonObject[]): void {
  if (answers.length < 2) return;
  const alone = listOf(asked.answerOption).filter(
    (option) => isObject(option) && extensionOf(option, "questionnaire-optionExclusive") === true,
  );
  const isAlone = (answer: JsonObject): boolean => {
    const key = valueKeyOf(answer);
    return (
      key !== null &&
      alone.some((option) => isObject(option) && isDeepStrictEqual(option[key], answer[key]))
    );
  };
  if (answers.some(isAlone)) fault(check, "has an answer that excludes all others, beside others");
}

function checkItem(form: Form, asked: JsonObject, item: JsonObject): void {
  const { check } = form;
  const answers = listOf(item.answer).filter(isObject);
  const mayAnswer = !["group", "display", "question"].includes(String(asked.type));
  if (!mayAnswer && answers.length > 0) fault(check, "is of a type that takes no answer");
  else checkExclusive(form, asked, answers);
  for (const [i, answer] of answers.entries())
    at(check, ["answer", i], () => {
      if (mayAnswer)
        for (const each of answerFaults(asked, answer, check.terminology)) fault(check, each);
      checkItems(form, asked, answer);
    });
  if (asked.type === "group" || listOf(item.item).length > 0) checkItems(form, asked, item);
}

/** The items under a holder (the response, an item, an answer) against those that the form has there. */
function checkItems(form: Form, asked: JsonObject, holder: JsonObject): void {
  const { check } = form;
  const given = listOf(holder.item).filter(isObject);
  const wanted = listOf(asked.item).filter(isObject);
  const known = new Set(wanted.map(({ linkId }) => linkId));
  for (const [i, item] of given.entries()) {
    if (known.has(item.linkId)) continue;
    const isElsewhere = form.items.has(String(item.linkId));
    at(check, ["item", i], () =>
      fault(
        check,
        isElsewhere ? "stands elsewhere in the questionnaire" : "is no item of the questionnaire",
      ),
    );
  }
  for (const each of wanted) {
    const own = given.filter(({ linkId }) => linkId === each.linkId);
    checkCount(form, each, own);
    for (const item of own)
      at(check, ["item", given.indexOf(item)], () => checkItem(form, each, item));
  }
}

/** Notes what a QuestionnaireResponse lacks of its questionnaire; nothing where that is not at hand. */
export function checkResponse(
  check: Check,
  response: JsonObject,
  conformance: Pick<Conformance, "questionnaire">,
): void {
  const questionnaire = questionnaireOf(response, conformance);
  if (questionnaire === null) return;
  const items = new Map([...itemsIn(questionnaire)].map((item) => [String(item.linkId), item]));
  const form: Form = { check, isFinished: finished.has(response.status), items, response };
  checkItems(form, questionnaire, response);
}
