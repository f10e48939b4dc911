import type { ClientFacts } from "#core/client-facts.ts";
import { unreachable, type Result } from "#core/result.ts";
import { parseClientRequest, textsOf } from "#identity/clients/client-request.ts";
import type { Client, ClientKind } from "#identity/clients/client.ts";
import { metadataOf } from "#identity/clients/provider-clients.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import type { Trail } from "#identity/trail.ts";

/**
 * Dynamic client registration (RFC 7591 §3), open to anybody: what comes of it is an entry in the list
 * that administrators look at. Until one of them approves it, the client can do nothing.
 */
export type RegisterClient = (body: JsonObject, facts: ClientFacts) => Promise<Answer>;

/** RFC 7591 §3.2.2. */
const refusal = (error: string, error_description: string, status = 400): Answer =>
  answer({ error, error_description }, status);

/** Which kind of client asks, by its grants and how it would prove who it is; null when none of ours. */
function kindOf({
  token_endpoint_auth_method: method,
  grant_types,
}: JsonObject): ClientKind | null {
  const grants = textsOf(grant_types ?? ["authorization_code"], 10);
  if (grants === null) return null;
  const isService = grants.length === 1 && grants[0] === "client_credentials";
  const isApp = grants.every((grant) => ["authorization_code", "refresh_token"].includes(grant));
  if (method === "none") return isApp && grants.includes("authorization_code") ? "public" : null;
  if (method !== "private_key_jwt") return null;
  return isService ? "backend" : isApp ? "confidential" : null;
}

/** Our own words for the members of RFC 7591 §2 that we know; the others are ignored, as it asks. */
function wishOf(body: JsonObject, kind: ClientKind): JsonObject {
  const { scope } = body;
  return {
    kind,
    name: body["client_name"],
    redirectUris: body["redirect_uris"],
    launchUri: body["initiate_login_uri"],
    jwks: body["jwks"],
    jwksUri: body["jwks_uri"],
    scopes: typeof scope === "string" ? scope.split(" ").filter((one) => one !== "") : [],
  };
}

const namesOf: Readonly<Record<string, string>> = {
  name: "client_name",
  redirectUris: "redirect_uris",
  launchUri: "initiate_login_uri",
  jwksUri: "jwks_uri",
  scopes: "scope",
};

/** What was registered (RFC 7591 §3.2.1), and that it waits. */
function registered(client: Client): Answer {
  const { phylax_scopes: _scopes, phylax_binding: _binding, ...metadata } = metadataOf(client);
  const { status } = client.state;
  switch (status) {
    case "pending":
    case "approved":
    case "revoked":
      return answer(
        {
          ...metadata,
          client_id_issued_at: Math.floor(client.registeredAt / 1_000),
          scope: client.scopes.join(" "),
          phylax_status: status,
        },
        201,
      );
    default:
      return unreachable(status);
  }
}

export function createRegisterClient({
  clients,
  trail,
}: {
  readonly clients: ClientRegistry;
  readonly trail: Trail;
}): RegisterClient {
  const told = async (made: Result<Client>, facts: ClientFacts): Promise<Answer> => {
    if (!made.ok)
      return made.problem.code === "rate-limited"
        ? refusal("temporarily_unavailable", "too many registrations wait for approval", 503)
        : problemAnswer(made.problem);
    const reasons = ["registered-itself"];
    const unwritten = await trail.note({
      action: "app-change",
      facts,
      client: made.value.id,
      reasons,
    });
    return unwritten === null ? registered(made.value) : problemAnswer(unwritten);
  };
  return async (body, facts) => {
    if (body["software_statement"] !== undefined)
      return refusal("unapproved_software_statement", "no software statements are taken");
    const kind = kindOf(body);
    if (kind === null)
      return refusal(
        "invalid_client_metadata",
        "token_endpoint_auth_method must be none or private_key_jwt, with grants that fit it",
      );
    const wish = parseClientRequest(wishOf(body, kind));
    if (!wish.ok) {
      const at = wish.problem.at ?? "";
      const name = namesOf[at] ?? at;
      const error = at === "redirectUris" ? "invalid_redirect_uri" : "invalid_client_metadata";
      return refusal(error, `${name} cannot be taken as it is`);
    }
    return told(await clients.register(wish.value, { by: "itself", owner: null }), facts);
  };
}
