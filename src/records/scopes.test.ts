import assert from "node:assert/strict";
import { test } from "node:test";
import { scopeSet } from "#records/scopes.ts";

const own = true;
const others = false;

test("a patient scope covers the person's own patients only", () => {
  const scopes = scopeSet(["patient/*.rs"]);
  assert.ok(scopes.allows("read", "Observation", own));
  assert.ok(scopes.allows("search", "Observation", own));
  assert.ok(!scopes.allows("read", "Observation", others));
});

test("a user scope covers whatever policy lets the user do, for the named type", () => {
  const scopes = scopeSet(["user/Observation.r"]);
  assert.ok(scopes.allows("read", "Observation", others));
  assert.ok(scopes.allows("history", "Observation", own));
  assert.ok(!scopes.allows("search", "Observation", own));
  assert.ok(!scopes.allows("read", "Condition", own));
});

test("each letter grants its own interaction and no other", () => {
  const actions = ["create", "read", "update", "delete", "search"] as const;
  for (const [index, letter] of ["c", "r", "u", "d", "s"].entries()) {
    const scopes = scopeSet([`user/*.${letter}`]);
    const allowed = actions.filter((action) => scopes.allows(action, "Patient", others));
    assert.deepEqual(allowed, [actions[index]]);
  }
});

test("the words of SMART 1 mean what SMART 2 says of them", () => {
  assert.ok(scopeSet(["user/Patient.read"]).allows("search", "Patient", others));
  assert.ok(!scopeSet(["user/Patient.read"]).allows("update", "Patient", others));
  assert.ok(scopeSet(["user/Patient.write"]).allows("delete", "Patient", others));
  assert.ok(!scopeSet(["user/Patient.write"]).allows("read", "Patient", others));
  assert.ok(scopeSet(["user/*.*"]).allows("create", "Patient", others));
});

for (const text of [
  "openid",
  "system/*.cruds",
  "user/*.sr",
  "user/Observation.rs?category=laboratory",
  "user/observation.r",
  "USER/*.r",
  "user/*",
  "user/*.r extra",
])
  test(`the scope "${text}" grants nothing here`, () => {
    const scopes = scopeSet([text]);
    assert.ok(!scopes.allows("read", "Observation", own));
    assert.ok(!scopes.allows("search", "Observation", own));
  });

test("no scopes grant nothing", () => {
  assert.ok(!scopeSet([]).allows("read", "Patient", own));
});
