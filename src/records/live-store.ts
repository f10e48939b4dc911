import type { Instant } from "#core/clock.ts";
import type { Queryable } from "#storage/database.ts";

/** A row of identity's view `identity.live`, as it changed last. */
export interface LiveRow {
  readonly session_id: string;
  readonly account_id: string;
  readonly device_id: string;
  readonly device_level: number;
  readonly epoch: number;
  readonly roles: readonly string[];
  readonly patients: readonly string[];
  readonly practitioner: string | null;
  readonly client_ids: readonly string[];
  readonly idle_ends_at: Instant;
  readonly ends_at: Instant;
  readonly ended: boolean;
  /** FHIR ids of the patients for whom the person may act, from when and until when each, in ms since 1970. */
  readonly acts_for: readonly string[];
  readonly acts_for_from: readonly bigint[];
  readonly acts_for_until: readonly bigint[];
  /** FHIR id of the one Encounter that a kiosk's session is for; null for everybody else. */
  readonly kiosk_visit: string | null;
}

/**
 * Rows changed after `epoch`; for epoch 0 only those that still live. Identity hands out epochs
 * under one lock, so none is committed after a later one. Throws what the driver throws.
 */
export async function readLiveRows(db: Queryable, epoch: number): Promise<readonly LiveRow[]> {
  return db.query<LiveRow & Record<string, unknown>>({
    name: "records-live",
    text: `SELECT session_id, account_id, device_id, device_level, epoch, roles, patients,
        practitioner, client_ids, idle_ends_at, ends_at, ended, acts_for, acts_for_until,
        acts_for_from, kiosk_visit
      FROM identity.live WHERE epoch > $1 AND ($1 > 0 OR NOT ended) ORDER BY epoch`,
    values: [epoch],
  });
}

/** Accounts of a practitioner. Throws what the driver throws. */
export async function readAccountsOf(
  db: Queryable,
  practitioner: string,
): Promise<readonly string[]> {
  const rows = await db.query<{ account_id: string }>({
    name: "records-accounts-of",
    text: "SELECT account_id FROM identity.directory WHERE practitioner = $1",
    values: [practitioner],
  });
  return rows.map(({ account_id }) => account_id);
}

/** Who an account is, from identity's view `identity.directory`. */
export interface DirectoryRow {
  readonly account_id: string;
  readonly roles: readonly string[];
  readonly practitioner: string | null;
  readonly patients: readonly string[];
}

/** Accounts that do not exist are left out. Throws what the driver throws. */
export async function readDirectory(
  db: Queryable,
  accounts: readonly string[],
): Promise<readonly DirectoryRow[]> {
  if (accounts.length === 0) return [];
  return db.query<DirectoryRow & Record<string, unknown>>({
    name: "records-directory",
    text: `SELECT account_id, roles, practitioner, patients
      FROM identity.directory WHERE account_id = ANY ($1::uuid[])`,
    values: [accounts],
  });
}
