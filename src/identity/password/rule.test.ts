import assert from "node:assert/strict";
import { test } from "node:test";
import { isGoodPassword } from "#identity/password/rule.ts";

test("a password is taken for its length, whatever its characters", () => {
  for (const password of ["correct horse battery", "fünf kleine Hühner", "8 4 1 9 0 2 7 3 5"])
    assert.ok(isGoodPassword(password, "ana.lima"), password);
});

test("a short, a monotonous and a self-named password is not", () => {
  for (const password of [
    "Tr0ub4dor&3",
    "fourteen chars",
    "aaaaaaaaaaaaaaaaaaaa",
    "abcabcabcabcabcabc",
    "1212121212121212",
    "ana.limaana.lima",
    "Ana.Lima2024ana.lima",
  ])
    assert.ok(!isGoodPassword(password, "ana.lima"), password);
});
