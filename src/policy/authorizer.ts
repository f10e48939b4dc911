import { createBoundedCache } from "#core/bounded-cache.ts";
import type { PolicyDecision, PolicyRequest } from "#core/policy-request.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import { attributeClassOf, nameOfClass, type AttributeClass } from "#policy/attribute-class.ts";
import { askCedar, preparePolicies, type PreparedPolicies } from "#policy/cedar.ts";
import { classText } from "#policy/class-text.ts";
import { combined } from "#policy/obligation.ts";
import type { PolicyTexts } from "#policy/policy-files.ts";

export interface Authorizer {
  /**
   * Decides at once, by the request alone. Nothing is permitted that no policy permits; a forbid
   * outweighs every permit; what cannot be evaluated is denied with the reason "error". A forbid
   * that obliges does not deny but binds the permit.
   */
  decide(request: PolicyRequest): PolicyDecision;
  /** The same of a class of attributes, e.g. of one that the log names. */
  decideClass(asked: AttributeClass): PolicyDecision;
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
  const decideClass = (asked: AttributeClass): PolicyDecision => {
    const name = nameOfClass(asked);
    const known = decided.get(name);
    if (known !== undefined) return known;
    const decision = decisionOf(prepared.value, asked);
    // An error may have been Cedar's own of the moment; a decision is for ever.
    if (decision.effect !== "deny" || decision.reason !== "error") decided.set(name, decision);
    return decision;
  };
  return ok({
    policies: prepared.value.ids,
    decide: (request) => decideClass(attributeClassOf(request)),
    decideClass,
  });
}

function decisionOf(prepared: PreparedPolicies, asked: AttributeClass): PolicyDecision {
  const answer = askCedar(prepared, asked, "plain");
  switch (answer.decision) {
    case "allow":
      return boundPermit(prepared, asked, { policies: answer.policies, asked: classText(asked) });
    case "deny": {
      const { policies } = answer;
      const reason = policies.length > 0 ? "forbidden" : "no-permit";
      return { effect: "deny", policies, reason, asked: classText(asked) };
    }
    case "error":
      return { effect: "deny", policies: [], reason: "error", asked: "" };
    default:
      return unreachable(answer);
  }
}

/** What is permitted is asked again with the policies that oblige: those that forbid it now bind it. */
function boundPermit(
  prepared: PreparedPolicies,
  asked: AttributeClass,
  permit: Pick<PolicyDecision, "policies" | "asked">,
): PolicyDecision {
  if (prepared.obliging.size === 0) return { effect: "permit", obligations: [], ...permit };
  const answer = askCedar(prepared, asked, "all");
  if (answer.decision === "error")
    return { effect: "deny", reason: "error", policies: [], asked: "" };
  if (answer.decision === "allow") return { effect: "permit", obligations: [], ...permit };
  const { policies: binding } = answer;
  const all = combined(binding.flatMap((id) => prepared.obliging.get(id) ?? []));
  const stepUp = all.find((each) => each.kind === "step-up");
  const policies = [...permit.policies, ...binding];
  if (stepUp !== undefined && asked.deviceLevel < (stepUp.needs.level ?? 0))
    return { effect: "step-up", needs: stepUp.needs, policies: binding, asked: permit.asked };
  return { effect: "permit", obligations: all, policies, asked: permit.asked };
}
