import type { Failure } from "../api/failure.ts";
import { words } from "./en.ts";

export interface FailureWords {
  readonly title: string;
  readonly text: string;
}

const { failures } = words;

/** Problem codes that mean the same to a person. */
const sameAs: ReadonlyMap<string, Told> = new Map([
  ["key-unavailable", "unavailable"],
  ["audit-unavailable", "unavailable"],
  ["policy-unavailable", "unavailable"],
  ["session-state-stale", "unavailable"],
  ["storage-unavailable", "unavailable"],
  ["storage-full", "unavailable"],
  ["upstream-unavailable", "unavailable"],
  ["proof-invalid", "clock-wrong"],
  ["resource-type-unknown", "not-found"],
  ["enrolment-link-refused", "invitation-refused"],
]);

type Told = Exclude<keyof typeof failures, "long-wait">;

function isKnown(code: string): code is Told {
  return code !== "long-wait" && Object.hasOwn(failures, code);
}

/** A wait for which nobody sits there. */
function longWaitWords(seconds: number): FailureWords {
  const minutes = Math.ceil(seconds / 60);
  const wait = minutes > 90 ? `${Math.ceil(minutes / 60)} hours` : `${minutes} minutes`;
  return failures["long-wait"](wait);
}

/** What went wrong and what to do next; a code that has no words is "something on our side". */
export function failureWords(failure: Failure): FailureWords {
  if (failure.kind !== "problem") return failures[failure.kind];
  const { retryAfterSeconds } = failure;
  if (failure.code === "rate-limited" && retryAfterSeconds !== null && retryAfterSeconds > 90)
    return longWaitWords(retryAfterSeconds);
  const code = sameAs.get(failure.code) ?? failure.code;
  return isKnown(code) ? failures[code] : failures.unexpected;
}
