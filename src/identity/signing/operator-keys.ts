import { toIso } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { rotateKeys, type RotationDeps } from "#identity/signing/rotation.ts";
import type { Trail } from "#identity/trail.ts";

/** Takes `{ atOnce?: boolean }`, answers `{ kid, signsFrom, withdrawn }`. */
export type OperatorKeys = (body: JsonObject) => Promise<Answer>;

export interface OperatorKeysDeps extends RotationDeps {
  readonly trail: Trail;
  /** Has this process serve with the keys as they are now. */
  readonly turn: () => Promise<void>;
}

export function createOperatorKeys(deps: OperatorKeysDeps): OperatorKeys {
  return async ({ atOnce = false }) => {
    if (typeof atOnce !== "boolean")
      return problemAnswer(problem("parameter-invalid", { at: "atOnce" }));
    const rotated = await rotateKeys(deps, atOnce);
    if (!rotated.ok) return problemAnswer(rotated.problem);
    await deps.turn();
    const { kid, signsFrom, withdrawn } = rotated.value;
    const unwritten = await deps.trail.note({
      action: "key-rotate",
      facts: null,
      actor: "process:operator",
      reasons: ["identity-signing", atOnce ? "at-once" : "in-turn"],
    });
    if (unwritten !== null) return problemAnswer(unwritten);
    return answer({ kid, signsFrom: toIso(signsFrom), withdrawn });
  };
}
