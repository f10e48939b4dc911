import type { Failure } from "../api/failure.ts";
import { words } from "./en.ts";

export interface FailureWords {
  readonly title: string;
  readonly text: string;
}

const { failures } = words;

/** Problem codes that mean the same to a person. */
const sameAs: ReadonlyMap<string, keyof typeof failures> = new Map([
  ["key-unavailable", "unavailable"],
  ["audit-unavailable", "unavailable"],
  ["policy-unavailable", "unavailable"],
  ["session-state-stale", "unavailable"],
  ["storage-unavailable", "unavailable"],
  ["storage-full", "unavailable"],
  ["upstream-unavailable", "unavailable"],
  ["proof-invalid", "clock-wrong"],
  ["resource-type-unknown", "not-found"],
]);

function isKnown(code: string): code is keyof typeof failures {
  return Object.hasOwn(failures, code);
}

/** What went wrong and what to do next; a code that has no words is "something on our side". */
export function failureWords(failure: Failure): FailureWords {
  if (failure.kind !== "problem") return failures[failure.kind];
  const code = sameAs.get(failure.code) ?? failure.code;
  return isKnown(code) ? failures[code] : failures.unexpected;
}
