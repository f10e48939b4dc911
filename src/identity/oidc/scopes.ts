import { parseSmartScope } from "#core/smart-scope.ts";

/** Scopes of the OpenID provider itself (SMART App Launch 2.2 §3.0.1); all others belong to the FHIR server. */
export const ownScopes = [
  "openid",
  "fhirUser",
  "launch",
  "launch/patient",
  "online_access",
  "offline_access",
] as const;

/** Those of the asked scopes that the FHIR server knows, of people. */
export function fhirScopes(asked: string): readonly string[] {
  return asked.split(" ").filter((text) => {
    const scope = parseSmartScope(text);
    return scope !== null && scope.context !== "system";
  });
}
