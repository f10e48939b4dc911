import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import type { Result } from "#core/result.ts";

/**
 * Changes a resource's text. Whatever it does not touch keeps its meaning to the digit. Fails as
 * "patch-refused", naming the operation in `at`, or as "too-costly"; nothing is changed then. What
 * comes out is JSON, and must still be checked to be a resource.
 */
export type Patch = (resource: string) => Result<string>;

export const patchLimits = {
  operations: 1_000,
  /** Characters of JSON that all operations of a patch may add, copies included. */
  addedCharacters: limits.bodyBytes,
  pathCharacters: 1_000,
  /** Elements that the paths of a patch may visit. */
  visits: 200_000,
} as const;

export function patchRefused(at: string, detail: string): Result<never> {
  return refuse("patch-refused", { at, detail });
}

export function tooMuch(at: string): Result<never> {
  return refuse("too-costly", { at, detail: "The patch would do too much." });
}
