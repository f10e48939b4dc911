import type { Problem } from "#core/problem.ts";

/** Expected failure is a value: a caller must look at `ok` before it can touch `value`. */
export type Result<T, P = Problem> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: P };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** Wraps a problem as a failed result. */
export function failed<P>(problem: P): { readonly ok: false; readonly problem: P } {
  return { ok: false, problem };
}

/** A broken invariant: the program itself is wrong, so the request dies and nothing is answered. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}

/** Throws BrokenInvariant unless `held`. `message` must hold no PHI, token or key. */
export function invariant(held: boolean, message: string): asserts held {
  if (!held) throw new BrokenInvariant(message);
}

/** Closes an exhaustive switch: it compiles only when no member is left. */
export function unreachable(_member: never): never {
  throw new BrokenInvariant("an impossible member was reached");
}
