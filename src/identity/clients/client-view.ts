import { toIso } from "#core/clock.ts";
import type { Client } from "#identity/clients/client.ts";

/** A client as administrators and operators see it; times as ISO 8601. */
export function clientView(client: Client): Readonly<Record<string, unknown>> {
  const { id, kind, name, redirectUris, launchUri, keys, scopes, binding, state } = client;
  return {
    id,
    kind,
    name,
    redirectUris,
    launchUri,
    jwksUri: keys.kind === "address" ? keys.uri : null,
    ownNetwork: keys.kind === "address" && keys.ownNetwork,
    keyIds: keys.kind === "set" ? keys.keys.map(({ kid }) => kid) : [],
    scopes,
    binding,
    status: state.status,
    owner: client.owner,
    registeredBy: client.registeredBy,
    registeredAt: toIso(client.registeredAt),
    decidedBy: state.status === "pending" ? null : state.by,
    decidedAt: state.status === "pending" ? null : toIso(state.at),
  };
}
