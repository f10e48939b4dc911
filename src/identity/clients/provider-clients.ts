import type { Adapter, ClientMetadata } from "oidc-provider";
import { BrokenInvariant, unreachable } from "#core/result.ts";
import { parseClientId, type Client, type ClientKeys } from "#identity/clients/client.ts";
import { isWebApp } from "#identity/clients/redirect-uri.ts";
import type { ClientRegistry } from "#identity/clients/registry.ts";

/** Names of what we keep about a client beside the metadata that the OpenID provider knows. */
export const ownClientMetadata = ["phylax_scopes", "phylax_binding", "phylax_launch_uri"] as const;

function keyMetadata(keys: ClientKeys): Partial<ClientMetadata> {
  switch (keys.kind) {
    case "none":
      return {};
    case "set":
      return { jwks: { keys: keys.keys.map((key) => ({ ...key })) } };
    case "address":
      return { jwks_uri: keys.uri };
    default:
      return unreachable(keys);
  }
}

/** A client in the words of RFC 7591 §2, as the OpenID provider takes it. */
export function metadataOf(client: Client): ClientMetadata {
  const isBackend = client.kind === "backend";
  return {
    client_id: client.id,
    client_name: client.name,
    application_type: isWebApp(client.redirectUris) ? "web" : "native",
    redirect_uris: [...client.redirectUris],
    grant_types: isBackend ? ["client_credentials"] : ["authorization_code", "refresh_token"],
    response_types: isBackend ? [] : ["code"],
    response_modes: ["query"],
    token_endpoint_auth_method: client.kind === "public" ? "none" : "private_key_jwt",
    id_token_signed_response_alg: "ES256",
    dpop_bound_access_tokens: client.binding === "dpop",
    phylax_scopes: [...client.scopes],
    phylax_binding: client.binding,
    ...(client.launchUri === null ? {} : { phylax_launch_uri: client.launchUri }),
    ...keyMetadata(client.keys),
  };
}

/** How the OpenID provider finds clients that are not our own: in the registry, where it writes nothing. */
export function createClientAdapter(registry: Pick<ClientRegistry, "findApproved">): Adapter {
  const never = async (): Promise<never> => {
    throw new BrokenInvariant("the OpenID provider keeps no clients");
  };
  return {
    find: async (text) => {
      const id = parseClientId(text);
      const client = id === null ? null : await registry.findApproved(id);
      return client === null ? undefined : metadataOf(client);
    },
    findByUid: never,
    findByUserCode: never,
    upsert: never,
    consume: never,
    destroy: never,
    revokeByGrantId: never,
  };
}

/** What the client may ask for at most; null when it is our own and may ask for all. */
export function scopesOfClient(
  client: Readonly<Record<string, unknown>>,
): readonly string[] | null {
  const scopes: unknown = client["phylax_scopes"];
  if (!Array.isArray(scopes)) return null;
  return scopes.filter((scope) => typeof scope === "string");
}
