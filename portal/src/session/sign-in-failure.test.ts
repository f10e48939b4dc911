import assert from "node:assert/strict";
import { test } from "node:test";
import { problemFailure } from "../api/failure.ts";
import { afterFailure } from "./sign-in-failure.ts";

test("a wrong code asks for password and code again, as either may have been wrong", () => {
  const failure = problemFailure("sign-in-failed");
  assert.deepEqual(afterFailure("code", failure), { step: "password", failure });
});

test("a refused passkey stays at the passkey", () => {
  const failure = problemFailure("passkey-refused");
  assert.deepEqual(afterFailure("passkey", failure), { step: "passkey", failure });
});

test("a sign-in that is over can only be begun anew", () => {
  const over = { step: "over", failure: problemFailure("sign-in-expired") };
  assert.deepEqual(afterFailure("password", problemFailure("sign-in-expired")), over);
  assert.deepEqual(afterFailure("password", problemFailure("not-found")), over);
  assert.deepEqual(afterFailure("passkey", { kind: "signed-out" }), over);
});

test("without a network nothing is lost", () => {
  const failure = { kind: "offline" } as const;
  assert.deepEqual(afterFailure("code", failure), { step: "code", failure });
});
