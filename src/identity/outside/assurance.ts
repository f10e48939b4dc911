import { unreachable } from "#core/result.ts";
import type { Assurance } from "#identity/outside/provider.ts";
import { outsideLimits } from "#identity/outside/limits.ts";

/** What an ID token says of how the person was proven (OpenID Connect Core §2). */
export interface ProvenBy {
  readonly acr: string | null;
  readonly amr: readonly string[];
}

/** Reads the claims; whatever has not their form counts as not said. */
export function readProvenBy(acr: unknown, amr: unknown): ProvenBy {
  const values = Array.isArray(amr) ? amr.slice(0, outsideLimits.amrValues) : [];
  return {
    acr: typeof acr === "string" && acr.length <= outsideLimits.assuranceValueChars ? acr : null,
    // RFC 8176 §2: short names; they go into the log and into our own ID tokens.
    amr: values.filter(
      (one): one is string => typeof one === "string" && /^[A-Za-z0-9_.:-]{1,32}$/.test(one),
    ),
  };
}

/** Whether this is as much as the operator asks of that provider. */
export function isAssured(assurance: Assurance, { acr, amr }: ProvenBy): boolean {
  switch (assurance.kind) {
    case "acr":
      return acr !== null && assurance.values.includes(acr);
    case "amr":
      return amr.some((one) => assurance.values.includes(one));
    case "vouched":
      return true;
    default:
      return unreachable(assurance);
  }
}
