/** Scopes of the OpenID provider itself; all others belong to the FHIR server. */
export const ownScopes = ["openid", "fhirUser"] as const;

// SMART App Launch 2.2 §3.0.2, without filters: letters in this order only; v1 words for older apps.
const smartScope =
  /^(?:patient|user)\/(?:\*|[A-Z][A-Za-z]{1,63})\.(?:(?=[cruds])c?r?u?d?s?|read|write|\*)$/;

/** Those of the asked scopes that the FHIR server knows. */
export function fhirScopes(asked: string): readonly string[] {
  return asked.split(" ").filter((scope) => smartScope.test(scope));
}
