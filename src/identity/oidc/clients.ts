import type { ClientMetadata } from "oidc-provider";

export const portalClientId = "phylax-portal";

/** Clients of our own house: a person who signs in to them is not asked what they may do. */
export const isFirstParty = (clientId: string): boolean => clientId === portalClientId;

/** The patient portal: a public client in the browser (OAuth 2.1), every token bound to its DPoP key. */
export function portalClient(publicOrigin: string): ClientMetadata {
  return {
    client_id: portalClientId,
    client_name: "Phylax",
    application_type: "web",
    redirect_uris: [`${publicOrigin}/callback`],
    post_logout_redirect_uris: [`${publicOrigin}/`],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    response_modes: ["query"],
    token_endpoint_auth_method: "none",
    id_token_signed_response_alg: "ES256",
    dpop_bound_access_tokens: true,
  };
}
