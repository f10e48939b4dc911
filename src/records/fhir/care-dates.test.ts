import assert from "node:assert/strict";
import { test } from "node:test";
import { isOfCareTime } from "#records/fhir/care-dates.ts";
import { resourceOf } from "#records/fhir/testing.ts";

const subject = { reference: "Patient/a" };
const code = { text: "x" };
const march = { from: Date.UTC(2024, 2, 1), to: Date.UTC(2024, 3, 1) - 1 };

for (const [what, resource, isOf] of [
  [
    "a visit that began before and ended within",
    {
      resourceType: "Encounter",
      status: "finished",
      class: { code: "AMB" },
      subject,
      period: { start: "2024-02-20", end: "2024-03-02" },
    },
    true,
  ],
  [
    "an illness that began long before and is not over",
    {
      resourceType: "Condition",
      code,
      subject,
      onsetPeriod: { start: "2001" },
      recordedDate: "2024-05-01",
    },
    true,
  ],
  [
    "a measurement of another year, though written down within",
    {
      resourceType: "Observation",
      status: "final",
      code,
      subject,
      effectiveDateTime: "2023-03-05",
      issued: "2024-03-05T00:00:00Z",
    },
    false,
  ],
  [
    "an order that says only when it was written",
    {
      resourceType: "MedicationRequest",
      status: "active",
      intent: "order",
      medicationCodeableConcept: code,
      subject,
      authoredOn: "2024-03-05",
    },
    true,
  ],
  ["a person, who is of every time", { resourceType: "Patient", birthDate: "1950-01-01" }, true],
] as const)
  test(`${what} is ${isOf ? "" : "not "}care of that time`, () => {
    assert.equal(isOfCareTime(resourceOf(resource), march), isOf);
  });
