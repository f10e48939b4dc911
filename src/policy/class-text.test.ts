import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { purposes, zones } from "#core/audit-entry.ts";
import { personRoles, policyActions } from "#core/policy-request.ts";
import type { AttributeClass, ResourceClass } from "#policy/attribute-class.ts";
import { classText, parseClassText } from "#policy/class-text.ts";

const words = fc.oneof(fc.constantFrom("hiv", "-", "", "a b", "+", "%2D"), fc.string());
const sorted = <T extends string>(from: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.uniqueArray(from, { maxLength: 4 }).map((list) => list.toSorted());
const whose = { ofCaller: fc.boolean(), actedFor: fc.boolean() };

const resources: fc.Arbitrary<ResourceClass> = fc.oneof(
  fc.record({
    kind: fc.constant("PatientRecord" as const),
    resourceType: words,
    ...whose,
    inCareTeam: fc.boolean(),
    openedInEmergency: fc.boolean(),
    labels: sorted(words),
    forbiddenByConsent: fc.boolean(),
    ofVisit: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("OrganisationRecord" as const), resourceType: words }),
  fc.record({ kind: fc.constantFrom("PatientLog" as const, "AccessRequest" as const), ...whose }),
  fc.constant({ kind: "SystemLog" as const }),
);

const classes: fc.Arbitrary<AttributeClass> = fc.record({
  roles: sorted(fc.constantFrom(...personRoles)),
  deviceLevel: fc.nat({ max: 4 }),
  zone: fc.constantFrom(...zones),
  purpose: fc.constantFrom(...purposes),
  action: fc.constantFrom(...policyActions),
  resource: resources,
});

test("for every class, reading what was written gives it back", () => {
  fc.assert(
    fc.property(classes, (asked) => {
      const read = parseClassText(classText(asked));
      assert.deepEqual(read, structuredClone(asked));
    }),
  );
});

test("no two classes share a text", () => {
  fc.assert(
    fc.property(classes, classes, (a, b) => {
      if (classText(a) === classText(b)) assert.deepEqual(a, b);
    }),
  );
});

const written = "read PatientRecord Observation care-team hiv clinician 1 clinic TREAT";
for (const text of [
  "",
  written.replace("read", "print"),
  written.replace("PatientRecord", "Photo"),
  written.replace("care-team", "neighbour"),
  written.replace("clinician", "king"),
  written.replace(" 1 ", " one "),
  written.replace("hiv", "%"),
  `${written} more`,
])
  test(`"${text}" is no class`, () => {
    assert.notEqual(parseClassText(written), null);
    assert.equal(parseClassText(text), null);
  });
