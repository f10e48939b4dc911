import type { ClientId } from "#identity/clients/client.ts";
import type { Queryable } from "#storage/database.ts";

/**
 * Whether the client is approved. Whoever revokes it waits for the end of this transaction, and then
 * finds, and ends, what it began.
 */
export async function holdClient(tx: Queryable, client: ClientId): Promise<boolean> {
  const [row] = await tx.query<{ readonly id: string }>({
    name: "identity-hold-client",
    text: "SELECT id FROM identity.client WHERE id = $1 AND status = 'approved' FOR SHARE",
    values: [client],
  });
  return row !== undefined;
}

/** The same of what a person let an app do. */
export async function holdGrant(tx: Queryable, grant: Buffer): Promise<boolean> {
  const [row] = await tx.query<{ readonly id: string }>({
    name: "identity-hold-app-grant",
    text: "SELECT id FROM identity.app_grant WHERE grant_id = $1 AND ended_at IS NULL FOR SHARE",
    values: [grant],
  });
  return row !== undefined;
}
