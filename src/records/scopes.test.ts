import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "@medplum/fhirtypes";
import { scopeSet, type ScopeSet } from "#records/scopes.ts";

const own = true;
const others = false;

type Action = Parameters<ScopeSet["allows"]>[0]["action"];

/** Whether data of which no content matters is covered. */
const allows = (scopes: ScopeSet, action: Action, type: string, inContext: boolean): boolean =>
  scopes.allows({ action, type, inContext });

test("a patient scope covers the person's own patients only", () => {
  const scopes = scopeSet(["patient/*.rs"]);
  assert.ok(allows(scopes, "read", "Observation", own));
  assert.ok(allows(scopes, "search", "Observation", own));
  assert.ok(!allows(scopes, "read", "Observation", others));
});

test("a user scope covers whatever policy lets the user do, for the named type", () => {
  const scopes = scopeSet(["user/Observation.r"]);
  assert.ok(allows(scopes, "read", "Observation", others));
  assert.ok(allows(scopes, "history", "Observation", own));
  assert.ok(!allows(scopes, "search", "Observation", own));
  assert.ok(!allows(scopes, "read", "Condition", own));
});

test("each letter grants its own interaction and no other", () => {
  const actions = ["create", "read", "update", "delete", "search"] as const;
  for (const [index, letter] of ["c", "r", "u", "d", "s"].entries()) {
    const scopes = scopeSet([`user/*.${letter}`]);
    const allowed = actions.filter((action) => allows(scopes, action, "Patient", others));
    assert.deepEqual(allowed, [actions[index]]);
  }
});

test("the words of SMART 1 mean what SMART 2 says of them", () => {
  assert.ok(allows(scopeSet(["user/Patient.read"]), "search", "Patient", others));
  assert.ok(!allows(scopeSet(["user/Patient.read"]), "update", "Patient", others));
  assert.ok(allows(scopeSet(["user/Patient.write"]), "delete", "Patient", others));
  assert.ok(!allows(scopeSet(["user/Patient.write"]), "read", "Patient", others));
  assert.ok(allows(scopeSet(["user/*.*"]), "create", "Patient", others));
});

for (const text of [
  "openid",
  "system/*.cruds",
  "user/*.sr",
  "user/*.rs?category=laboratory",
  "user/Observation.rs?no-such-parameter=x",
  "user/NoSuchType.rs?code=x",
  "user/observation.r",
  "USER/*.r",
  "user/*",
  "user/*.r extra",
])
  test(`the scope "${text}" grants nothing here`, () => {
    const scopes = scopeSet([text]);
    assert.ok(!allows(scopes, "read", "Observation", own));
    assert.ok(!allows(scopes, "search", "Observation", own));
  });

test("no scopes grant nothing", () => {
  assert.ok(!allows(scopeSet([]), "read", "Patient", own));
});

const observation = (category: string): Resource => ({
  resourceType: "Observation",
  status: "final",
  category: [
    {
      coding: [
        { system: "http://terminology.hl7.org/CodeSystem/observation-category", code: category },
      ],
    },
  ],
  code: { text: "a test" },
});

test("a scope with a filter covers what answers the filter, and asks to see it", () => {
  const scopes = scopeSet([
    "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
  ]);
  const asked = { action: "read", type: "Observation", inContext: own } as const;
  assert.ok(scopes.isFiltered);
  assert.ok(scopes.allows({ ...asked, content: "unopened" }));
  assert.ok(scopes.allows({ ...asked, content: [observation("laboratory")] }));
  assert.ok(!scopes.allows({ ...asked, content: [observation("vital-signs")] }));
  assert.ok(
    !scopes.allows({ ...asked, content: [observation("laboratory"), observation("vital-signs")] }),
  );
  assert.ok(!scopes.allows(asked), "who does not look at the content is not covered");
  assert.ok(!scopes.allows({ ...asked, inContext: others, content: "unopened" }));
  assert.ok(!scopes.allows({ ...asked, type: "Condition", content: "unopened" }));
});

test("filters of one token add up, and one scope without a filter covers all", () => {
  const both = scopeSet([
    "patient/Observation.rs?category=laboratory",
    "patient/Observation.rs?category=vital-signs",
  ]);
  const content = [observation("laboratory"), observation("vital-signs")];
  const asked = { action: "search", type: "Observation", inContext: own } as const;
  assert.ok(both.allows({ ...asked, content }));
  assert.ok(!both.allows({ ...asked, content: [observation("social-history")] }));
  const whole = scopeSet(["patient/Observation.rs?category=laboratory", "patient/*.s"]);
  assert.ok(whole.allows({ ...asked, content: [observation("social-history")] }));
  assert.ok(whole.allows(asked));
});
