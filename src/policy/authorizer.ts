import { createBoundedCache } from "#core/bounded-cache.ts";
import type { PolicyDecision, PolicyRequest } from "#core/policy-request.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { attributeClassOf, nameOfClass } from "#policy/attribute-class.ts";
import { askCedar, preparePolicies, type CedarAnswer } from "#policy/cedar.ts";
import type { PolicyTexts } from "#policy/policy-files.ts";

export interface Authorizer {
  /**
   * Decides at once, by the request alone. Nothing is permitted that no policy permits; a forbid
   * outweighs every permit; what cannot be evaluated is denied with the reason "error".
   */
  decide(request: PolicyRequest): PolicyDecision;
  /** The ids of the policies in force. */
  readonly policies: readonly string[];
}

/** Classes met in a day are some hundreds: roles and relations are few, resource types a dozen. */
const classesRemembered = 4_096;

/**
 * Takes policies into force. Fails with "policy-unavailable" when they do not validate against the
 * schema, each and all: a policy that might fail on some request is not taken.
 */
export function createAuthorizer(texts: PolicyTexts): Result<Authorizer> {
  const prepared = preparePolicies(texts);
  if (!prepared.ok) return prepared;
  const decided = createBoundedCache<string, PolicyDecision>(classesRemembered);
  return ok({
    policies: prepared.value.ids,
    decide: (request) => {
      const asked = attributeClassOf(request);
      const name = nameOfClass(asked);
      const known = decided.get(name);
      if (known !== undefined) return known;
      const decision = decisionOf(askCedar(prepared.value, asked));
      // An error may have been Cedar's own of the moment; a decision is for ever.
      if (decision.effect === "permit" || decision.reason !== "error") decided.set(name, decision);
      return decision;
    },
  });
}

function decisionOf(answer: CedarAnswer): PolicyDecision {
  switch (answer.decision) {
    case "allow":
      return { effect: "permit", policies: answer.policies };
    case "deny": {
      const { policies } = answer;
      const reason = policies.length > 0 ? "forbidden" : "no-permit";
      return { effect: "deny", policies, reason };
    }
    case "error":
      return { effect: "deny", policies: [], reason: "error" };
    default:
      return unreachable(answer);
  }
}
