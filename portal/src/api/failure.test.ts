import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, failureOfThrown, problemCode } from "./failure.ts";

const outcome = (code: string) => ({
  resourceType: "OperationOutcome",
  issue: [
    { details: { coding: [{ system: "http://other", code: "x" }] } },
    { details: { coding: [{ system: "urn:phylax:problem", code }] } },
  ],
});

test("the code is found in an OperationOutcome and in problem details", () => {
  assert.equal(problemCode(outcome("forbidden")), "forbidden");
  assert.equal(problemCode({ type: "urn:phylax:problem:gone" }), "gone");
  assert.equal(problemCode({ type: "about:blank" }), null);
  assert.equal(problemCode("<html>"), null);
});

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });

test("an ended session is told apart from every other refusal", async () => {
  assert.deepEqual(await failureOf(answer(401, outcome("session-ended"))), { kind: "signed-out" });
  assert.deepEqual(await failureOf(answer(403, outcome("forbidden"))), {
    kind: "problem",
    code: "forbidden",
    retryAfterSeconds: null,
  });
});

test("an answer that is not ours is judged by its status", async () => {
  const codeOf = async (status: number) => {
    const failure = await failureOf(answer(status, "<html>"));
    return failure.kind === "problem" ? failure.code : failure.kind;
  };
  assert.equal(await codeOf(502), "upstream-unavailable");
  assert.equal(await codeOf(429), "rate-limited");
  assert.equal(await codeOf(500), "unexpected");
});

test("how long to wait is read in seconds, and in no other form", async () => {
  const waits = async (header: string) => {
    const failure = await failureOf(answer(429, {}, { "retry-after": header }));
    return failure.kind === "problem" ? failure.retryAfterSeconds : undefined;
  };
  assert.equal(await waits("30"), 30);
  assert.equal(await waits("Fri, 31 Dec 1999 23:59:59 GMT"), null);
  assert.equal(await waits("-1"), null);
});

test("no answer at all means no network, anything else is a fault of ours", () => {
  assert.deepEqual(failureOfThrown(new TypeError("Failed to fetch")), { kind: "offline" });
  assert.equal(failureOfThrown(new Error("x")).kind, "problem");
});
