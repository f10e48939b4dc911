import { at, text } from "../fhir/json.ts";
import { ask, expected } from "./ask.ts";
import { fail, problemFailure, type Outcome } from "./failure.ts";

/** How far the way back into an account is. */
export interface RecoveryState {
  readonly isReady: boolean;
  readonly readyAt: string;
}

/** A way back that was begun; `token` leads to it again. */
export interface BegunRecovery extends RecoveryState {
  readonly token: string;
}

// Sign-up links are pages of ours and carry their token in the fragment.
function enrolPathOf(body: unknown): string | null {
  const path = text(at(body, "enrolPath"));
  return path !== null && path.startsWith("/enrol#") ? path : null;
}

function stateOf(body: unknown): RecoveryState | null {
  const readyAt = text(at(body, "readyAt"));
  return readyAt === null ? null : { readyAt, isReady: at(body, "state") === "ready" };
}

function begunOf(body: unknown): BegunRecovery | null {
  const state = stateOf(body);
  const token = text(at(body, "recovery"));
  return state === null || token === null ? null : { ...state, token };
}

async function post<T>(
  path: string,
  body: object,
  read: (body: unknown) => T | null,
): Promise<Outcome<T>> {
  const answer = await ask("POST", `/api/identity/${path}`, body);
  return answer.ok ? expected(read(answer.value)) : answer;
}

/**
 * Turns a code on paper and a birth date (YYYY-MM-DD; null for the code of an envelope) into the
 * path of a sign-up link. Fails with "invitation-refused" when they do not match.
 */
export async function redeemInvitation(
  code: string,
  birthDate: string | null,
): Promise<Outcome<string>> {
  const answer = await post("invitation/redeem", { code, birthDate }, enrolPathOf);
  const isRefused =
    !answer.ok &&
    answer.failure.kind === "problem" &&
    answer.failure.code === "enrolment-link-refused";
  return isRefused ? fail(problemFailure("invitation-refused")) : answer;
}

/** Begins the wait. Whether the code was right is not told. */
export const beginRecovery = (code: string): Promise<Outcome<BegunRecovery>> =>
  post("recovery/begin", { code }, begunOf);

export const recoveryState = (token: string): Promise<Outcome<RecoveryState>> =>
  post("recovery/status", { recovery: token }, stateOf);

/** Ends it: gives the path of a sign-up link for a new passkey. */
export const finishRecovery = (token: string): Promise<Outcome<string>> =>
  post("recovery/finish", { recovery: token }, enrolPathOf);
