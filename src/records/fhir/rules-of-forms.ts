import { has, listOf } from "#records/fhir/json-value.ts";
import type { Rule } from "#records/fhir/rule.ts";

/**
 * Rules of what repeats by the thousand within one resource: the questions and answers of forms,
 * and the timings of doses. Their keys are those of R4's constraints.
 */

const withOptions = new Set<unknown>(
  "choice open-choice decimal integer date dateTime time string quantity".split(" "),
);
const withLength = new Set<unknown>(
  "boolean decimal integer string text url open-choice".split(" "),
);
const mealEvents = new Set<unknown>(["C", "CM", "CD", "CV"]);

const ofQuestions: Readonly<Record<string, Rule>> = {
  "que-1": (item) =>
    (item.type !== "group" || has(item, "item")) && (item.type !== "display" || !has(item, "item")),
  "que-3": (item) => item.type !== "display" || !has(item, "code"),
  "que-4": (item) => !has(item, "answerOption") || !has(item, "answerValueSet"),
  "que-5": (item) =>
    withOptions.has(item.type) || !(has(item, "answerValueSet") || has(item, "answerOption")),
  "que-6": (item) => item.type !== "display" || !(has(item, "required") || has(item, "repeats")),
  "que-7": (when) => when.operator !== "exists" || has(when, "answerBoolean"),
  "que-8": (item) => (item.type !== "group" && item.type !== "display") || !has(item, "initial"),
  "que-9": (item) => item.type !== "display" || !has(item, "readOnly"),
  "que-10": (item) => withLength.has(item.type) || !has(item, "maxLength"),
  "que-11": (item) => !has(item, "answerOption") || !has(item, "initial"),
  // As its text has it; its FHIRPath lets two pass.
  "que-12": (item) => listOf(item.enableWhen).length <= 1 || has(item, "enableBehavior"),
  "que-13": (item) => item.repeats === true || listOf(item.initial).length <= 1,
  "qrs-1": (item) => !(has(item, "answer") && has(item, "item")),
};

const notNegative = (value: unknown): boolean => typeof value !== "number" || value >= 0;

const ofTimings: Readonly<Record<string, Rule>> = {
  "tim-1": (repeat) => !has(repeat, "duration") || has(repeat, "durationUnit"),
  "tim-2": (repeat) => !has(repeat, "period") || has(repeat, "periodUnit"),
  "tim-4": (repeat) => notNegative(repeat.duration),
  "tim-5": (repeat) => notNegative(repeat.period),
  "tim-6": (repeat) => !has(repeat, "periodMax") || has(repeat, "period"),
  "tim-7": (repeat) => !has(repeat, "durationMax") || has(repeat, "duration"),
  "tim-8": (repeat) => !has(repeat, "countMax") || has(repeat, "count"),
  "tim-9": (repeat) =>
    !has(repeat, "offset") ||
    (has(repeat, "when") && !listOf(repeat.when).some((event) => mealEvents.has(event))),
  "tim-10": (repeat) => !has(repeat, "timeOfDay") || !has(repeat, "when"),
};

const ofPlans: Readonly<Record<string, Rule>> = {
  "cpl-3": (activity) => !has(activity, "detail") || !has(activity, "reference"),
  "pat-1": (contact) =>
    ["name", "telecom", "address", "organization"].some((key) => has(contact, key)),
  "rqg-1": (action) => has(action, "resource") !== has(action, "action"),
};

export const rulesOfForms: Readonly<Record<string, Rule>> = {
  ...ofQuestions,
  ...ofTimings,
  ...ofPlans,
};
