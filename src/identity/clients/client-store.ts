import { laterBy, toIso, type Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { invariant } from "#core/result.ts";
import {
  clientKinds,
  parseClientId,
  tokenBindings,
  type Client,
  type ClientId,
  type ClientKeys,
  type ClientState,
} from "#identity/clients/client.ts";
import { clientLimits } from "#identity/clients/limits.ts";
import type { Queryable } from "#storage/database.ts";

type ClientRow = {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly launchUri: string | null;
  readonly jwks: unknown;
  readonly jwksUri: string | null;
  readonly ownNetwork: boolean;
  readonly scopes: readonly string[];
  readonly binding: string;
  readonly status: string;
  readonly owner: string | null;
  readonly registeredBy: string;
  readonly registeredAt: Instant;
  readonly decidedBy: string | null;
  readonly decidedAt: Instant | null;
};

const columns = `id, kind, name, redirect_uris AS "redirectUris", launch_uri AS "launchUri", jwks,
  jwks_uri AS "jwksUri", own_network AS "ownNetwork", scopes, binding, status, owner,
  registered_by AS "registeredBy", registered_at AS "registeredAt", decided_by AS "decidedBy",
  decided_at AS "decidedAt"`;

function keysOf({ jwks, jwksUri, ownNetwork }: ClientRow): ClientKeys {
  if (jwksUri !== null) return { kind: "address", uri: jwksUri, ownNetwork };
  if (!isRecord(jwks) || !Array.isArray(jwks["keys"])) return { kind: "none" };
  return { kind: "set", keys: jwks["keys"].filter(isRecord) };
}

function stateOf({ status, decidedBy, decidedAt }: ClientRow): ClientState {
  if (status === "pending" || decidedBy === null || decidedAt === null)
    return { status: "pending" };
  return {
    status: status === "approved" ? "approved" : "revoked",
    by: decidedBy,
    at: decidedAt,
  };
}

function readRow(row: ClientRow): Client {
  const id = parseClientId(row.id);
  const kind = clientKinds.find((known) => known === row.kind);
  const binding = tokenBindings.find((known) => known === row.binding);
  invariant(
    id !== null && kind !== undefined && binding !== undefined,
    "a client's row has not its form",
  );
  const { name, redirectUris, launchUri, scopes, registeredBy, registeredAt } = row;
  return {
    id,
    kind,
    name,
    redirectUris,
    launchUri,
    keys: keysOf(row),
    scopes,
    binding,
    state: stateOf(row),
    owner: row.owner === null ? null : parseAccountId(row.owner),
    registeredBy,
    registeredAt,
  };
}

export async function findClient(db: Queryable, id: ClientId): Promise<Client | null> {
  const [row] = await db.query<ClientRow>({
    name: "identity-client",
    text: `SELECT ${columns} FROM identity.client WHERE id = $1`,
    values: [id],
  });
  return row === undefined ? null : readRow(row);
}

/** Those that wait first, then the newest; at most `clientsListed`. */
export async function listClients(db: Queryable): Promise<readonly Client[]> {
  const rows = await db.query<ClientRow>(
    `SELECT ${columns} FROM identity.client
      ORDER BY status <> 'pending', registered_at DESC, id LIMIT $1`,
    [clientLimits.clientsListed],
  );
  return rows.map(readRow);
}

/**
 * Stores a client as pending; false when too many wait already of those that registered themselves:
 * strangers must not be able to keep administrators from registering one.
 */
export async function insertClient(db: Queryable, client: Omit<Client, "state">): Promise<boolean> {
  const { keys } = client;
  const stored = await db.query<{ readonly id: string }>(
    `INSERT INTO identity.client (id, kind, name, redirect_uris, launch_uri, jwks, jwks_uri,
        own_network, scopes, binding, status, owner, registered_by, registered_at)
      SELECT $1::uuid, $2::text, $3::text, $4::text[], $5::text, $6::jsonb, $7::text, $8::boolean,
        $9::text[], $10::text, 'pending', $11::uuid, $12::text, $13::timestamptz
      WHERE $12::text <> 'itself' OR $14 > (SELECT count(*) FROM identity.client
        WHERE status = 'pending' AND registered_by = 'itself')
      RETURNING id`,
    [
      client.id,
      client.kind,
      client.name,
      client.redirectUris,
      client.launchUri,
      keys.kind === "set" ? JSON.stringify({ keys: keys.keys }) : null,
      keys.kind === "address" ? keys.uri : null,
      keys.kind === "address" && keys.ownNetwork,
      client.scopes,
      client.binding,
      client.owner,
      client.registeredBy,
      toIso(client.registeredAt),
      clientLimits.pendingClients,
    ],
  );
  return stored.length === 1;
}

interface Decision {
  readonly id: ClientId;
  readonly status: "approved" | "revoked";
  readonly by: string;
  readonly at: Instant;
}

/** Whether it was decided: a pending client is approved or revoked, an approved one revoked, and no other. */
export async function decideClient(db: Queryable, decision: Decision): Promise<boolean> {
  const { id, status, by, at } = decision;
  const from = status === "approved" ? ["pending"] : ["pending", "approved"];
  const decided = await db.query<{ readonly id: string }>(
    `UPDATE identity.client SET status = $2, decided_by = $3, decided_at = $4
      WHERE id = $1 AND status = ANY ($5) RETURNING id`,
    [id, status, by, toIso(at), from],
  );
  return decided.length === 1;
}

/** Ends the sessions in which the client has part; its codes and refresh tokens serve nobody without it. */
export async function endSessionsOfClient(
  db: Queryable,
  id: ClientId,
  now: Instant,
): Promise<void> {
  await db.query(
    "UPDATE identity.session SET ended_at = $2 WHERE $1 = ANY (client_ids) AND ended_at IS NULL",
    [id, toIso(now)],
  );
}

/** The clients, pending or approved, that the account answers for. */
export async function clientsOwnedBy(
  db: Queryable,
  owner: AccountId,
): Promise<readonly ClientId[]> {
  const rows = await db.query<{ readonly id: string }>(
    "SELECT id FROM identity.client WHERE owner = $1 AND status <> 'revoked'",
    [owner],
  );
  return rows.flatMap(({ id }) => parseClientId(id) ?? []);
}

/** Forgets registrations that nobody decided in time; answers how many. */
export async function sweepPendingClients(db: Queryable, now: Instant): Promise<number> {
  const gone = await db.query<{ readonly id: string }>(
    "DELETE FROM identity.client WHERE status = 'pending' AND registered_at < $1 RETURNING id",
    [toIso(laterBy(now, -clientLimits.pendingMs))],
  );
  return gone.length;
}

/** Whether some client's keys are at this address and its operator lets it lie in their own network. */
export async function isOwnNetworkAddress(db: Queryable, uri: string): Promise<boolean> {
  const found = await db.query<{ readonly id: string }>(
    `SELECT id FROM identity.client
      WHERE jwks_uri = $1 AND own_network AND status = 'approved' LIMIT 1`,
    [uri],
  );
  return found.length === 1;
}
