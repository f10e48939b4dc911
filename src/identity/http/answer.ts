import type { ServerResponse } from "node:http";
import { meaningOf, problemDetails, type Problem, type ProblemCode } from "#core/problem.ts";

/** What the handlers of our own JSON paths give back; `retryAfterSeconds` goes with "rate-limited". */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterSeconds?: number;
  readonly problem?: Problem;
}

export const answer = (body: unknown, status = 200): Answer => ({ status, body });

export function problemAnswer(problem: Problem, retryAfterSeconds?: number): Answer {
  return {
    status: meaningOf(problem.code).status,
    body: problemDetails(problem),
    problem,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

const algs = 'algs="ES256 Ed25519 EdDSA"';
const invalidToken = `DPoP error="invalid_token", ${algs}`;
const invalidProof = `DPoP error="invalid_dpop_proof", ${algs}`;

/** RFC 9449 §7.1: how a resource of ours asks for a token, and why it refused the one it got. */
const challenges: ReadonlyMap<ProblemCode, string> = new Map([
  ["token-missing", `DPoP ${algs}`],
  ["token-invalid", invalidToken],
  ["token-expired", invalidToken],
  ["session-ended", invalidToken],
  ["proof-invalid", invalidProof],
  ["proof-replayed", invalidProof],
]);

/** Writes the answer as JSON that nobody may keep. Does nothing once headers are out. */
export function send(response: ServerResponse, given: Answer): void {
  if (response.headersSent) return;
  const { problem, retryAfterSeconds } = given;
  const challenge = problem === undefined ? undefined : challenges.get(problem.code);
  const body = Buffer.from(JSON.stringify(given.body));
  response.statusCode = given.status;
  response.setHeader("cache-control", "no-store");
  response.setHeader(
    "content-type",
    problem === undefined ? "application/json" : "application/problem+json",
  );
  response.setHeader("content-length", body.length);
  if (challenge !== undefined) response.setHeader("www-authenticate", challenge);
  if (retryAfterSeconds !== undefined) response.setHeader("retry-after", retryAfterSeconds);
  response.end(body);
}
