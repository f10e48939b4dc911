import { clientSigningAlgs } from "#identity/clients/client-keys.ts";
import { ownScopes } from "#identity/oidc/scopes.ts";

/** What `/.well-known/smart-configuration` says (SMART App Launch 2.2 §4). */
export function smartConfiguration(publicOrigin: string): Readonly<Record<string, unknown>> {
  return {
    issuer: publicOrigin,
    jwks_uri: `${publicOrigin}/oauth/jwks`,
    authorization_endpoint: `${publicOrigin}/oauth/authorize`,
    token_endpoint: `${publicOrigin}/oauth/token`,
    pushed_authorization_request_endpoint: `${publicOrigin}/oauth/par`,
    revocation_endpoint: `${publicOrigin}/oauth/revoke`,
    introspection_endpoint: `${publicOrigin}/oauth/introspect`,
    registration_endpoint: `${publicOrigin}/oauth/register`,
    grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
    response_types_supported: ["code"],
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: [...clientSigningAlgs],
    authorization_response_iss_parameter_supported: true,
    code_challenge_methods_supported: ["S256"],
    dpop_signing_alg_values_supported: ["ES256", "Ed25519", "EdDSA"],
    scopes_supported: [
      ...ownScopes,
      "patient/*.rs",
      "patient/*.cruds",
      "user/*.rs",
      "user/*.cruds",
      "system/*.rs",
    ],
    capabilities: [
      "launch-ehr",
      "launch-standalone",
      "client-public",
      "client-confidential-asymmetric",
      "sso-openid-connect",
      "context-banner",
      "context-ehr-patient",
      "context-standalone-patient",
      "permission-offline",
      "permission-online",
      "permission-patient",
      "permission-user",
      "permission-v1",
      "permission-v2",
      "authorize-post",
    ],
  };
}
