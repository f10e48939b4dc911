import { toIso, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import {
  idTokenAlgorithms,
  parseOutsideProviderId,
  type Assurance,
  type OutsideProvider,
  type OutsideProviderId,
} from "#identity/outside/provider.ts";
import type { Queryable } from "#storage/database.ts";

type ProviderRow = {
  readonly id: string;
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly signedWith: string;
  readonly assurance: Assurance["kind"];
  readonly values: readonly string[];
  readonly sso: boolean;
  readonly authority: string | null;
};

const columns = `id, label, issuer, client_id AS "clientId", signed_with AS "signedWith",
  assurance, assurance_values AS values, sso, authority`;

function readProvider({ assurance: kind, values, ...row }: ProviderRow): OutsideProvider {
  const id = parseOutsideProviderId(row.id);
  const signedWith = idTokenAlgorithms.find((one) => one === row.signedWith);
  invariant(id !== null && signedWith !== undefined, "a stored provider has not its form");
  const assurance: Assurance = kind === "vouched" ? { kind } : { kind, values };
  return { ...row, id, signedWith, assurance };
}

/** By their ids, at most as many as there may be. */
export async function listProviders(db: Queryable): Promise<readonly OutsideProvider[]> {
  const rows = await db.query<ProviderRow>({
    name: "identity-outside-providers",
    text: `SELECT ${columns} FROM identity.outside_provider ORDER BY id`,
    values: [],
  });
  return rows.map(readProvider);
}

export interface StoredProvider {
  readonly provider: OutsideProvider;
  readonly secretSealed: Buffer;
}

/** Null when there is none of this id. */
export async function findProvider(
  db: Queryable,
  id: OutsideProviderId,
): Promise<StoredProvider | null> {
  const [row] = await db.query<ProviderRow & { readonly secret: Buffer }>({
    name: "identity-outside-provider",
    text: `SELECT ${columns}, secret_sealed AS secret FROM identity.outside_provider WHERE id = $1`,
    values: [id],
  });
  if (row === undefined) return null;
  const { secret, ...rest } = row;
  return { provider: readProvider(rest), secretSealed: secret };
}

/**
 * Stores a provider of at most `max`, or the new settings of the one that has this id and issuer.
 * False when the id or the issuer is another's, or there are as many as there may be.
 */
export async function putProvider(
  db: Queryable,
  { provider, secretSealed }: StoredProvider,
  { now, max }: { readonly now: Instant; readonly max: number },
): Promise<boolean> {
  const { assurance } = provider;
  const stored = await db.query<{ readonly id: string }>(
    `INSERT INTO identity.outside_provider AS known (id, label, issuer, client_id, secret_sealed,
        signed_with, assurance, assurance_values, sso, authority, created_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
      WHERE (SELECT count(*) FROM identity.outside_provider WHERE id <> $1) < $12
        AND NOT EXISTS (SELECT 1 FROM identity.outside_provider WHERE issuer = $3 AND id <> $1)
      ON CONFLICT (tenant, id) DO UPDATE SET label = excluded.label,
        client_id = excluded.client_id, secret_sealed = excluded.secret_sealed,
        signed_with = excluded.signed_with, assurance = excluded.assurance,
        assurance_values = excluded.assurance_values, sso = excluded.sso,
        authority = excluded.authority
      WHERE known.issuer = excluded.issuer
      RETURNING id`,
    [
      provider.id,
      provider.label,
      provider.issuer,
      provider.clientId,
      secretSealed,
      provider.signedWith,
      assurance.kind,
      assurance.kind === "vouched" ? [] : assurance.values,
      provider.sso,
      provider.authority,
      toIso(now),
      max,
    ],
  );
  return stored.length === 1;
}

/** With it go its links and whoever waits for one; the accounts that were linked. */
export async function deleteProvider(
  tx: Queryable,
  id: OutsideProviderId,
): Promise<readonly string[]> {
  const linked = await tx.query<{ readonly account: string }>(
    "DELETE FROM identity.outside_subject WHERE provider = $1 RETURNING account",
    [id],
  );
  await tx.query("DELETE FROM identity.outside_provider WHERE id = $1", [id]);
  return linked.map(({ account }) => account);
}
