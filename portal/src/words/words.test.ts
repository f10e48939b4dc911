import assert from "node:assert/strict";
import { test } from "node:test";
import { problemFailure } from "../api/failure.ts";
import type { Part } from "../fhir/observation.ts";
import { words } from "./en.ts";
import { failureWords } from "./failure.ts";
import { kindsWords } from "./kinds.ts";
import { deedWords, purposeWords, roleWords } from "./look.ts";
import { rangeWords, valueWords } from "./values.ts";

const numbers = { number: (value: number) => String(value) };

test("values are told with unit and comparator in words", () => {
  const value = { kind: "quantity", value: 5, unit: "mg/L", comparator: "<" } as const;
  assert.equal(valueWords(value, numbers), "less than 5 mg/L");
  assert.equal(valueWords({ ...value, comparator: null, unit: "%" }, numbers), "5%");
  assert.equal(valueWords({ ...value, comparator: null, unit: "{score}" }, numbers), "5 score");
  assert.equal(valueWords({ ...value, comparator: null, unit: "1" }, numbers), "5");
  assert.equal(valueWords({ kind: "words", words: "clear" }, numbers), "clear");
});

test("a usual range is told with one end or two, else in the laboratory's words", () => {
  const part = (low: number | null, high: number | null, text: string | null = null): Part => ({
    key: "k",
    name: "n",
    value: { kind: "quantity", value: 5, unit: "mmol/L", comparator: null },
    range: { low, high, unit: null, text },
    standing: "unknown",
  });
  assert.equal(rangeWords(part(3.9, 5.5), numbers), "3.9 to 5.5 mmol/L");
  assert.equal(rangeWords(part(null, 5.5), numbers), "5.5 mmol/L or less");
  assert.equal(rangeWords(part(60, null), numbers), "60 mmol/L or more");
  assert.equal(rangeWords(part(null, null, "negative"), numbers), "negative");
  assert.equal(rangeWords({ ...part(1, 2), range: null }, numbers), null);
});

test("kinds of data are told once each, unknown ones as other parts", () => {
  assert.equal(kindsWords(["Observation", "Condition"]), "test results and health problems");
  assert.equal(kindsWords(["DocumentReference", "Binary"]), "documents");
  assert.equal(kindsWords(["Observation", "Observation:laboratory"]), "lab tests");
  assert.equal(kindsWords(["AuditEvent", "Encounter"]), "visits and this list");
  assert.equal(kindsWords(["Basic"]), "other parts");
  assert.equal(kindsWords(["toString"]), "other parts");
  assert.equal(kindsWords([]), "your record");
});

test("what was stopped is told as tried", () => {
  const look = { action: "search", kinds: ["Condition"] };
  assert.equal(deedWords({ ...look, decision: "permit" }), "Looked at health problems");
  assert.equal(deedWords({ ...look, decision: "deny" }), "Tried to look at health problems");
  assert.equal(
    deedWords({ action: "teleport", kinds: [], decision: "permit" }),
    "Used your record",
  );
});

test("one's own readings need neither role nor reason", () => {
  assert.equal(roleWords({ who: "You", role: "patient" }), null);
  assert.equal(purposeWords({ who: "You", purpose: "PATRQT" }), null);
  assert.equal(roleWords({ who: "Dr. Lee", role: "clinician" }), "clinic staff");
  assert.equal(purposeWords({ who: "Dr. Lee", purpose: "TREAT" }), "for your care");
  assert.equal(roleWords({ who: "X", role: "wizard" }), null);
});

test("a failure without words of its own is something on our side", () => {
  assert.equal(failureWords(problemFailure("no-such-code")), words.failures.unexpected);
  assert.equal(failureWords(problemFailure("constructor")), words.failures.unexpected);
  assert.equal(failureWords(problemFailure("key-unavailable")), words.failures.unavailable);
  assert.equal(failureWords({ kind: "offline" }), words.failures.offline);
});

/** Every text of the catalogue; those with a blank are filled with one short word each. */
function texts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "function")
    return [String(Reflect.apply(value, null, ["it", "it", "it", "it"]))];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

function syllables(word: string): number {
  const groups = word
    .toLowerCase()
    .replace(/e$/, "")
    .match(/[aeiouy]+/g);
  return Math.max(1, groups?.length ?? 1);
}

/** Flesch-Kincaid grade level (Kincaid et al. 1975). */
function gradeOf(text: string): number {
  const sentences = Math.max(1, text.split(/[.!?:]+(?:\s|$)/).filter(Boolean).length);
  const spoken = text.match(/[A-Za-z’']+/g) ?? [];
  const sounds = spoken.reduce((sum, word) => sum + syllables(word), 0);
  return 0.39 * (spoken.length / sentences) + 11.8 * (sounds / spoken.length) - 15.59;
}

test("every text of some length reads at grade 8 or below, all together at grade 4", () => {
  const { joinList: _list, ...told } = words;
  const long = texts(told).filter((text) => text.split(" ").length >= 8);
  assert.ok(long.length > 40);
  for (const text of long)
    assert.ok(gradeOf(text) <= 8, `grade ${gradeOf(text).toFixed(1)}: ${text}`);
  assert.ok(gradeOf(long.join(" ")) <= 4);
});
