import { invariant } from "#core/result.ts";
import type { ConsentWrite, RowWrite } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";

/** A stored rule; `sealed` and `dek_version` null where it is silent, or not read yet. */
export interface RuleRow {
  readonly source: string;
  readonly patient: string;
  readonly epoch: number;
  readonly silent: boolean;
  readonly dek_version: number | null;
  readonly sealed: Buffer | null;
}

/** How far the rules have been read: no epoch is committed after a later one. */
export interface RulePoint {
  readonly epoch: number;
  readonly source: string;
}

export const ruleRowsPerRead = 5_000;

/** Rules written after a point, in order, at most ruleRowsPerRead. Throws what the driver throws. */
export async function readRules(
  db: Queryable,
  { epoch, source }: RulePoint,
): Promise<readonly RuleRow[]> {
  return db.query<RuleRow & Record<string, unknown>>({
    name: "consent-rules",
    text: `SELECT source, patient, epoch, silent, dek_version, sealed FROM records.consent_rule
      WHERE (epoch, source) > ($1, $2) ORDER BY epoch, source LIMIT ${ruleRowsPerRead}`,
    values: [epoch, source],
  });
}

const silent: ConsentWrite = { kind: "silent" };
const unread: ConsentWrite = { kind: "unread" };

interface Change {
  readonly source: string;
  readonly patient: string;
  readonly write: ConsentWrite;
}

/** The last word on each Consent; one that nobody has read forbids all. */
function changesOf(writes: readonly RowWrite[]): readonly Change[] {
  const changes = new Map<string, Change>();
  for (const { type, id, compartment, content } of writes) {
    if (type !== "Consent" || compartment === "organisation") continue;
    const write = content.kind === "delete" ? silent : (content.consent ?? unread);
    changes.set(id, { source: id, patient: compartment, write });
  }
  return [...changes.values()];
}

async function knownAmong(tx: Queryable, sources: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ source: string }>({
    name: "consent-known",
    text: "SELECT source FROM records.consent_rule WHERE source = ANY ($1::text[])",
    values: [sources],
  });
  return new Set(rows.map(({ source }) => source));
}

async function nextEpoch(tx: Queryable): Promise<number> {
  const [row] = await tx.query<{ epoch: number }>({
    name: "consent-epoch",
    text: `INSERT INTO records.consent_epoch AS held (epoch) VALUES (1)
      ON CONFLICT (tenant) DO UPDATE SET epoch = held.epoch + 1 RETURNING epoch`,
    values: [],
  });
  invariant(row !== undefined, "an epoch follows the last");
  return row.epoch;
}

/**
 * Stores what the Consents written forbid, in the transaction that writes them. One that forbids
 * nothing and never did leaves no row.
 */
export async function storeConsents(tx: Queryable, writes: readonly RowWrite[]): Promise<void> {
  const all = changesOf(writes);
  if (all.length === 0) return;
  const known = await knownAmong(
    tx,
    all.map(({ source }) => source),
  );
  const changes = all.filter(({ source, write }) => write.kind !== "silent" || known.has(source));
  if (changes.length === 0) return;
  const epoch = await nextEpoch(tx);
  for (const { source, patient, write } of changes)
    await tx.query({
      name: "consent-store",
      text: `INSERT INTO records.consent_rule
          (source, patient, epoch, silent, dek_version, sealed)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (tenant, source) DO UPDATE SET epoch = $3, silent = $4, dek_version = $5,
          sealed = $6`,
      values: [
        source,
        patient,
        epoch,
        write.kind === "silent",
        write.kind === "forbids" ? write.dekVersion : null,
        write.kind === "forbids" ? write.sealed : null,
      ],
    });
}
