import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { operationOutcome, problem, problemDetails } from "#core/problem.ts";

suite("problems", () => {
  test("an OperationOutcome names each element that was found wrong", () => {
    const outcome = operationOutcome(
      problem("resource-invalid", {
        at: "Patient.birthDate",
        detail: "not a date",
        also: [{ at: "Patient.name[0].use", detail: "not in the value set" }],
      }),
    );
    assert.deepEqual(
      outcome.issue.map((issue) => issue.expression),
      [["Patient.birthDate"], ["Patient.name[0].use"]],
    );
    assert.ok(
      outcome.issue.every((issue) => issue.severity === "error" && issue.code === "invariant"),
    );
  });

  test("problem details carry the stable code, the status and no more than was given", () => {
    assert.deepEqual(problemDetails(problem("rate-limited")), {
      type: "urn:phylax:problem:rate-limited",
      title: "Too many requests. Try again a little later.",
      status: 429,
    });
  });
});
