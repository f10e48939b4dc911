import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readObservation } from "./observation.ts";

const glucose = {
  resourceType: "Observation",
  id: "g1",
  status: "final",
  category: [{ coding: [{ code: "laboratory" }] }],
  code: { coding: [{ system: "http://loinc.org", code: "2339-0" }], text: "glucose" },
  effectiveDateTime: "2025-03-01T08:00:00-05:00",
  valueQuantity: { value: 140, unit: "mg/dL" },
  interpretation: [{ coding: [{ code: "H" }] }],
  referenceRange: [{ low: { value: 70 }, high: { value: 99 } }],
  performer: [{ display: "Dr. Lee" }],
  note: [{ text: " fasting " }, {}],
};

test("a laboratory value is read with its range, standing and notes", () => {
  assert.deepEqual(readObservation(glucose), {
    id: "g1",
    test: "http://loinc.org|2339-0",
    name: "Glucose",
    at: "2025-03-01T08:00:00-05:00",
    isFinal: true,
    parts: [
      {
        key: "http://loinc.org|2339-0",
        name: "Glucose",
        value: { kind: "quantity", value: 140, unit: "mg/dL", comparator: null },
        range: { low: 70, high: 99, unit: null, text: null },
        standing: "high",
      },
    ],
    performer: "Dr. Lee",
    notes: ["fasting"],
  });
});

test("a blood pressure has two parts and no value of its own", () => {
  const part = (code: string, value: number) => ({
    code: { coding: [{ system: "http://loinc.org", code }], text: code },
    valueQuantity: { value, unit: "mmHg" },
  });
  const { valueQuantity: _none, ...rest } = glucose;
  const read = readObservation({ ...rest, component: [part("8480-6", 120), part("8462-4", 80)] });
  assert.deepEqual(
    read?.parts.map(({ key }) => key),
    ["http://loinc.org|8480-6", "http://loinc.org|8462-4"],
  );
});

test("a value in words, a yes or no, a ratio and a span are words", () => {
  const { valueQuantity: _none, ...rest } = glucose;
  const wordsOf = (value: object) => readObservation({ ...rest, ...value })?.parts[0]?.value;
  const words = (said: string) => ({ kind: "words", words: said });
  assert.deepEqual(wordsOf({ valueString: "clear" }), words("clear"));
  assert.deepEqual(wordsOf({ valueBoolean: false }), words("No"));
  assert.deepEqual(wordsOf({ valueCodeableConcept: { text: "Negative" } }), words("Negative"));
  assert.deepEqual(
    wordsOf({ valueRatio: { numerator: { value: 1 }, denominator: { value: 64 } } }),
    words("1 : 64"),
  );
  assert.deepEqual(
    wordsOf({ valueRange: { low: { value: 2 }, high: { value: 4 } } }),
    words("2 to 4"),
  );
});

test("zero is a value", () => {
  const read = readObservation({ ...glucose, valueQuantity: { value: 0 } });
  assert.deepEqual(read?.parts[0]?.value, {
    kind: "quantity",
    value: 0,
    unit: null,
    comparator: null,
  });
});

test("a preliminary result is told apart, a cancelled one is left out", () => {
  assert.equal(readObservation({ ...glucose, status: "preliminary" })?.isFinal, false);
  assert.equal(readObservation({ ...glucose, status: "cancelled" }), null);
});

test("what lacks an id, a name or a value is left out", () => {
  const without = (key: keyof typeof glucose) => ({ ...glucose, [key]: undefined });
  assert.equal(readObservation(without("id")), null);
  assert.equal(readObservation(without("code")), null);
  assert.equal(readObservation(without("valueQuantity")), null);
});

test("a resource of any shape whatever is read or left out, never thrown at", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readObservation(value)));
  const spoil = fc.constantFrom(...Object.keys(glucose));
  fc.assert(
    fc.property(
      spoil,
      fc.jsonValue(),
      (key, value) => void readObservation({ ...glucose, [key]: value }),
    ),
  );
});
