import assert from "node:assert/strict";
import { test } from "node:test";
import type { Coding, Consent, ConsentProvision, ConsentProvisionActor } from "@medplum/fhirtypes";
import { forbidAll, forbids, type ConsentQuestion } from "#records/consent/provision.ts";
import { consentLimits, readConsent } from "#records/consent/read-consent.ts";

const scope = (code: string): Consent["scope"] => ({
  coding: [{ system: "http://terminology.hl7.org/CodeSystem/consentscope", code }],
});

function consent(provision: ConsentProvision | null, changed: Partial<Consent> = {}): Consent {
  return {
    resourceType: "Consent",
    status: "active",
    scope: scope("patient-privacy"),
    category: [{ text: "privacy" }],
    patient: { reference: "Patient/ana" },
    policyRule: { text: "our own form" },
    ...(provision === null ? {} : { provision }),
    ...changed,
  };
}

const asked: ConsentQuestion = {
  standing: "other",
  practitioner: "bea",
  action: "read",
  purpose: "TREAT",
  type: "Observation",
  labels: [],
  at: Date.parse("2026-05-05T12:00:00Z"),
};

/** Whether a Consent of these provisions forbids the question, changed so. */
function isForbidden(
  provision: ConsentProvision | null,
  changed: Partial<ConsentQuestion> = {},
): boolean {
  const read = readConsent(consent(provision));
  return read !== null && forbids(read, { ...asked, ...changed });
}

const actor = (...references: readonly string[]): ConsentProvisionActor[] =>
  references.map((reference) => ({ role: { text: "anyone" }, reference: { reference } }));

const typeClass = (...codes: readonly string[]): Coding[] =>
  codes.map((code) => ({ system: "http://hl7.org/fhir/resource-types", code }));

const hiv = { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "HIV" };
const reason = (code: string) => ({
  system: "http://terminology.hl7.org/CodeSystem/v3-ActReason",
  code,
});
const action = (code: string) => ({
  coding: [{ system: "http://terminology.hl7.org/CodeSystem/consentaction", code }],
});

test("a Consent that denies keeps everyone out but the patient and who acts for her", () => {
  assert.ok(isForbidden({ type: "deny" }));
  assert.ok(!isForbidden({ type: "deny" }, { standing: "patient" }));
  assert.ok(!isForbidden({ type: "deny" }, { standing: "representative" }));
});

test("what is written down anew shows nothing, so a Consent that denies lets it; a change shows", () => {
  assert.ok(!isForbidden({ type: "deny" }, { action: "create" }));
  for (const shown of ["search", "history", "export", "update", "delete"] as const)
    assert.ok(isForbidden({ type: "deny" }, { action: shown }), shown);
  const correct: ConsentProvision = { type: "deny", action: [action("correct")] };
  assert.ok(isForbidden(correct, { action: "update" }));
  assert.ok(!isForbidden(correct, { action: "read" }));
  assert.ok(isForbidden({ type: "deny", action: [action("collect")] }, { action: "create" }));
  assert.ok(!isForbidden({ type: "deny", action: [action("access")] }, { action: "access-log" }));
});

test("a Consent that permits forbids nothing, whatever its conditions, and grants nothing either", () => {
  assert.equal(readConsent(consent({ type: "permit" })), null);
  assert.equal(readConsent(consent({ type: "permit", actor: actor("Practitioner/bea") })), null);
  assert.equal(readConsent(consent({ data: [] })), null);
});

for (const status of ["draft", "proposed", "rejected", "inactive", "entered-in-error"] as const)
  test(`a Consent that is ${status} forbids nothing`, () => {
    assert.equal(readConsent(consent({ type: "deny" }, { status })), null);
  });

test("a Consent to treatment or research is not about who may look; one of no known scope is", () => {
  for (const code of ["adr", "research", "treatment"])
    assert.equal(readConsent(consent({ type: "deny" }, { scope: scope(code) })), null);
  assert.ok(readConsent(consent({ type: "deny" }, { scope: { text: "what we agreed on" } })));
  assert.ok(readConsent(consent({ type: "deny" }, { scope: scope("another") })));
});

test("one practitioner is kept out by name, and all others are not", () => {
  const provision: ConsentProvision = {
    type: "permit",
    provision: [{ type: "deny", actor: actor("Practitioner/bea") }],
  };
  assert.ok(isForbidden(provision));
  assert.ok(!isForbidden(provision, { practitioner: "carl" }));
  assert.ok(!isForbidden(provision, { practitioner: null }));
});

test("all but one practitioner are kept out, and she sees what the exception names", () => {
  const provision: ConsentProvision = {
    type: "deny",
    provision: [
      { type: "permit", actor: actor("Practitioner/bea"), class: typeClass("Observation") },
    ],
  };
  assert.ok(!isForbidden(provision));
  assert.ok(isForbidden(provision, { type: "Condition" }));
  assert.ok(isForbidden(provision, { practitioner: "carl" }));
});

test("an exception within an exception forbids again", () => {
  const provision: ConsentProvision = {
    type: "deny",
    provision: [
      {
        type: "permit",
        class: typeClass("Observation"),
        provision: [{ type: "deny", securityLabel: [hiv] }],
      },
    ],
  };
  assert.ok(!isForbidden(provision));
  assert.ok(isForbidden(provision, { labels: ["hiv"] }));
});

test("of two exceptions of which one denies and one permits, the one that denies counts", () => {
  const provision: ConsentProvision = {
    type: "permit",
    provision: [
      { type: "deny", actor: actor("Practitioner/bea") },
      { type: "permit", class: typeClass("Observation") },
    ],
  };
  assert.ok(isForbidden(provision));
});

test("purpose, label, type and period narrow what is denied", () => {
  const cases: readonly (readonly [ConsentProvision, Partial<ConsentQuestion>])[] = [
    [{ type: "deny", purpose: [reason("HRESCH")] }, { purpose: "HRESCH" }],
    [{ type: "deny", securityLabel: [hiv] }, { labels: ["hiv"] }],
    [{ type: "deny", class: typeClass("Condition") }, { type: "Condition" }],
    [{ type: "deny", period: { start: "2026-06" } }, { at: Date.parse("2026-06-01T00:00:00Z") }],
    [{ type: "deny", period: { end: "2026-04" } }, { at: Date.parse("2026-04-30T23:59:59Z") }],
  ];
  for (const [provision, changed] of cases) {
    assert.ok(!isForbidden(provision), JSON.stringify(provision));
    assert.ok(isForbidden(provision, changed), JSON.stringify(provision));
  }
});

const notUnderstood: Readonly<Record<string, ConsentProvision>> = {
  "an organisation": { actor: actor("Organization/us") },
  "an address elsewhere": { actor: actor("https://elsewhere.example/Practitioner/bea") },
  "another patient": { actor: actor("Patient/berta") },
  "a purpose of another system": { purpose: [{ system: "urn:other", code: "X" }] },
  "an action that is unknown": { action: [{ text: "browse" }] },
  "a class of documents": { class: [{ system: "urn:ietf:bcp:13", code: "application/pdf" }] },
  "a label that is unknown": { securityLabel: [{ system: "urn:other", code: "secret" }] },
  "clinical codes": { code: [{ text: "asthma" }] },
  "single documents": {
    data: [{ meaning: "instance", reference: { reference: "Observation/1" } }],
  },
  "a time of the data": { dataPeriod: { start: "2020" } },
};

for (const [what, condition] of Object.entries(notUnderstood))
  test(`${what} narrows no prohibition and makes no exception`, () => {
    assert.ok(isForbidden({ type: "deny", ...condition }));
    assert.ok(isForbidden({ type: "deny", provision: [{ type: "permit", ...condition }] }));
    assert.ok(
      isForbidden({
        type: "permit",
        ...condition,
        provision: [{ type: "deny", actor: actor("Practitioner/bea") }],
      }),
      "an exception is looked for within a condition that cannot be told",
    );
  });

test("a representative is kept out where the Consent names a RelatedPerson, and the patient is not", () => {
  const provision: ConsentProvision = {
    type: "permit",
    provision: [{ type: "deny", actor: actor("RelatedPerson/mother"), securityLabel: [hiv] }],
  };
  const mother = { standing: "representative", practitioner: null, labels: ["hiv"] } as const;
  assert.ok(isForbidden(provision, mother));
  assert.ok(!isForbidden(provision, { ...mother, labels: [] }));
  assert.ok(!isForbidden(provision, { ...mother, standing: "patient" }));
  assert.ok(!isForbidden(provision, { labels: ["hiv"] }), "nor is staff");
});

test("an active Consent about access that says nothing we know forbids all, unless it opts in", () => {
  assert.deepEqual(readConsent(consent(null)), forbidAll);
  const rule = (code: string): Partial<Consent> => ({
    policyRule: {
      coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code }],
    },
  });
  assert.equal(readConsent(consent(null, rule("OPTIN"))), null);
  assert.deepEqual(readConsent(consent(null, rule("OPTOUT"))), forbidAll);
  const modifier = { modifierExtension: [{ url: "urn:other", valueBoolean: true }] };
  assert.deepEqual(readConsent(consent({ type: "permit" }, modifier)), forbidAll);
});

test("an exception without a type is taken for the stricter", () => {
  assert.ok(isForbidden({ type: "permit", provision: [{ class: typeClass("Observation") }] }));
});

test("a Consent too large to be asked for each request forbids all", () => {
  const many = Array.from({ length: consentLimits.values + 1 }, (_, n) => `Practitioner/p${n}`);
  const large: ConsentProvision = {
    type: "permit",
    provision: [{ type: "deny", actor: actor(...many) }],
  };
  assert.deepEqual(readConsent(consent(large)), forbidAll);
  let deep: ConsentProvision = { type: "permit" };
  for (let level = 0; level <= consentLimits.depth; level += 1)
    deep = { type: "permit", provision: [deep] };
  assert.deepEqual(readConsent(consent(deep)), forbidAll);
});
