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

/**
 * Asks all policies first, as most questions meet none that obliges. Where only such forbid, the rest
 * decide whether there is a permit to bind.
 */
function decisionOf(prepared: PreparedPolicies, asked: AttributeClass): PolicyDecision {
  const all = askCedar(prepared, asked, "all");
  if (all.decision === "error") return failedDecision;
  const known = { asked: classText(asked), policies: all.policies };
  if (all.decision === "allow") return { effect: "permit", obligations: [], ...known };
  const plain = all.policies.filter((id) => !prepared.obliging.has(id));
  if (plain.length > 0) return { effect: "deny", reason: "forbidden", ...known, policies: plain };
  if (all.policies.length === 0) return { effect: "deny", reason: "no-permit", ...known };
  const unbound = askCedar(prepared, asked, "plain");
  switch (unbound.decision) {
    case "allow":
      return boundPermit(prepared, asked, { permitting: unbound.policies, binding: all.policies });
    case "deny":
      return { effect: "deny", reason: "no-permit", ...known, policies: [] };
    case "error":
      return failedDecision;
    default:
      return unreachable(unbound);
  }
}

const failedDecision: PolicyDecision = { effect: "deny", reason: "error", policies: [], asked: "" };

function boundPermit(
  prepared: PreparedPolicies,
  asked: AttributeClass,
  { permitting, binding }: Readonly<Record<"permitting" | "binding", readonly string[]>>,
): PolicyDecision {
  const obligations = combined(binding.flatMap((id) => prepared.obliging.get(id) ?? []));
  const stepUp = obligations.find((each) => each.kind === "step-up");
  const text = classText(asked);
  if (stepUp !== undefined && asked.deviceLevel < (stepUp.needs.level ?? 0))
    return { effect: "step-up", needs: stepUp.needs, policies: binding, asked: text };
  return { effect: "permit", obligations, policies: [...permitting, ...binding], asked: text };
}
