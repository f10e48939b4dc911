import { parseSmartScope } from "#core/smart-scope.ts";
import { appLimits } from "#identity/apps/limits.ts";
import type { Client } from "#identity/clients/client.ts";
import { coveredScopes } from "#identity/clients/scope-cover.ts";
import { fhirScopes, ownScopes } from "#identity/oidc/scopes.ts";

/** What an app asks for and may be given: OpenID's and SMART's own scopes, and those on data. */
export interface Asked {
  readonly own: readonly string[];
  readonly data: readonly string[];
}

/** Scopes that are neither ours nor allowed to the app are left out (RFC 6749 §3.3). */
export function askedOf(scope: unknown, { scopes }: Pick<Client, "scopes">): Asked {
  const texts = typeof scope === "string" ? [...new Set(scope.split(" "))] : [];
  const first = texts.slice(0, appLimits.scopes);
  return {
    own: ownScopes.filter((one) => first.includes(one) && scopes.includes(one)),
    data: coveredScopes(fhirScopes(first.join(" ")), scopes),
  };
}

const needed: ReadonlySet<string> = new Set(["openid", "launch", "launch/patient"]);

/** Whether the app cannot work without it, or learns by it nothing that the rest does not tell. */
export const isNeeded = (scope: string): boolean => needed.has(scope);

/** Whether a record must be named for what is asked (SMART App Launch 2.2 §3.0.3). */
export function asksForPatient({ own, data }: Asked): boolean {
  return (
    own.includes("launch/patient") ||
    own.includes("launch") ||
    data.some((scope) => parseSmartScope(scope)?.context === "patient")
  );
}
