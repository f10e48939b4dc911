import type { Pseudonym } from "#core/ids.ts";
import { holdSetting } from "#records/blind/setting-store.ts";
import type { RowWrite } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";
import { blindToken, numberOf, type BlindLabel, type BlindVersion } from "#vault/blind-index.ts";
import type { DataKey } from "#vault/vault.ts";

/** What a Patient is to be found by, with every version of the organisation's key that it may take. */
export interface BlindWrite {
  readonly labels: readonly BlindLabel[];
  readonly keys: readonly DataKey[];
}

/** One Patient's labels of one version. */
export interface BlindEntry {
  readonly compartment: Pseudonym;
  readonly labels: readonly BlindLabel[];
}

/** A version was begun under a key that the writer has not fetched; told apart as a serialization failure is. */
class VersionBegun extends Error {
  override readonly name = "VersionBegun";
  readonly code = "40001";
}

/**
 * Adds the rows of these Patients to one version; those that are there stay, and who was shredded
 * gets none. The transaction must hold the setting.
 */
export async function insertEntries(
  tx: Queryable,
  generation: BlindVersion,
  key: DataKey,
  entries: readonly BlindEntry[],
): Promise<void> {
  const rows = entries.flatMap(({ compartment, labels }) =>
    labels.flatMap((label) => {
      const kind = numberOf(label.index);
      // A version of an older program may lack the newest indexes.
      if (kind > generation.bits.length) return [];
      return [{ compartment, kind, token: blindToken(key, generation, label) }];
    }),
  );
  if (rows.length === 0) return;
  await tx.query({
    name: "blind-insert",
    text: `INSERT INTO records.blind_index (version, kind, token, compartment)
      SELECT $1, kind, token, compartment
      FROM unnest($2::smallint[], $3::bigint[], $4::uuid[]) AS made (kind, token, compartment)
      WHERE NOT EXISTS (SELECT FROM keyring.shredded s WHERE s.compartment = made.compartment::text)
      ON CONFLICT DO NOTHING`,
    values: [
      generation.version,
      rows.map(({ kind }) => kind),
      `{${rows.map(({ token }) => token).join(",")}}`,
      rows.map(({ compartment }) => compartment),
    ],
  });
}

/** Takes these patients' rows out of one version, or of all. */
export async function deleteEntries(
  tx: Queryable,
  patients: readonly Pseudonym[],
  version: number | null,
): Promise<void> {
  await tx.query({
    name: "blind-delete",
    text: `DELETE FROM records.blind_index
      WHERE compartment = ANY ($1::uuid[]) AND ($2::int IS NULL OR version = $2)`,
    values: [patients, version],
  });
}

/**
 * Replaces the rows of every Patient written, in every version that is searched or being built.
 * Part of writing the Patient: in the same transaction, or searches would find what she no longer is.
 */
export async function replaceBlindRows(tx: Queryable, writes: readonly RowWrite[]): Promise<void> {
  const patients = new Map<Pseudonym, BlindWrite | null>();
  for (const { type, compartment, content } of writes)
    if (type === "Patient" && compartment !== "organisation")
      patients.set(compartment, content.kind === "put" ? (content.blind ?? null) : null);
  if (patients.size === 0) return;
  const { current, building } = await holdSetting(tx);
  await deleteEntries(tx, [...patients.keys()], null);
  for (const generation of [current, building])
    if (generation !== null) await insertAll(tx, generation, patients);
}

async function insertAll(
  tx: Queryable,
  generation: BlindVersion,
  patients: ReadonlyMap<Pseudonym, BlindWrite | null>,
): Promise<void> {
  const entries: BlindEntry[] = [];
  let used: DataKey | undefined;
  for (const [compartment, write] of patients) {
    if (write === null) continue;
    used ??= write.keys.find(({ dekVersion }) => dekVersion === generation.dekVersion);
    if (used === undefined) throw new VersionBegun();
    entries.push({ compartment, labels: write.labels });
  }
  if (used !== undefined) await insertEntries(tx, generation, used, entries);
}
