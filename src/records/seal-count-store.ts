/**
 * Another transaction was faster with one of the rows, or took a key away; told apart as
 * PostgreSQL's serialization failure is.
 */
export class LostRace extends Error {
  override readonly name = "LostRace";
  readonly code = "40001";
}

/**
 * Common table expressions for a statement whose `sent` has a compartment (uuid, null for the
 * organisation's) and a dek_version for each row that was sealed: counts the seals of each key in
 * the transaction that stores them. Keys are locked in one order, so that two writers wait instead
 * of deadlocking.
 */
export const countSeals = `used AS MATERIALIZED (
    SELECT coalesce(compartment::text, 'organisation') AS compartment, dek_version, count(*) AS seals
    FROM sent GROUP BY 1, 2
  ), held AS MATERIALIZED (
    SELECT k.compartment, k.dek_version, u.seals
    FROM used u JOIN keyring.data_key k ON k.tenant = current_setting('phylax.tenant')::uuid
      AND k.compartment = u.compartment COLLATE "C" AND k.dek_version = u.dek_version
    ORDER BY k.compartment, k.dek_version FOR NO KEY UPDATE OF k
  ), counted AS (
    UPDATE keyring.data_key k SET seals = k.seals + h.seals
    FROM held h
    WHERE k.tenant = current_setting('phylax.tenant')::uuid
      AND k.compartment = h.compartment AND k.dek_version = h.dek_version
    RETURNING 1
  )`;

/** What a statement with `countSeals` selects beside its own columns. */
export interface CountedSeals {
  readonly keys_used: number;
  readonly keys_counted: number;
}

/** Throws LostRace when a key has no row any more: nothing may be stored that was never to open. */
export function checkCounted({ keys_used, keys_counted }: CountedSeals): void {
  if (keys_used !== keys_counted) throw new LostRace();
}
