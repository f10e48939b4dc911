import { createHash } from "node:crypto";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { planByIndex } from "#records/by-index-store.ts";
import { columns, rowOf, type RawRow, type StoredRow } from "#records/store-rows.ts";
import { checkCounted, countSeals, type CountedSeals } from "#records/seal-count-store.ts";
import type { ResealedRow, ResealGroup, RowOutcome, WriteOutcome } from "#records/write-plan.ts";
import type { Database, Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { parseCompartment, type Compartment } from "#vault/vault.ts";

/** Rows of one compartment under keys older than `before`, from a place on, in order of place. */
export interface StaleRows {
  readonly compartment: Compartment;
  readonly before: number;
  readonly after: { readonly type: string; readonly id: string; readonly version: number };
  readonly limit: number;
}

const staleSql = (isPatient: boolean): string => {
  const mine = isPatient
    ? "r.compartment = $1::uuid"
    : "r.compartment IS NULL AND $1::uuid IS NULL";
  const history = columns.replaceAll(/\w+/g, "h.$&");
  return `
    SELECT * FROM (
      SELECT ${columns} FROM records.resource r WHERE ${mine} AND dek_version < $2
      UNION ALL
      SELECT ${history} FROM records.resource r
        JOIN records.resource_history h ON h.type = r.type AND h.id = r.id
      WHERE ${mine} AND h.dek_version < $2) stale
    WHERE (type, id COLLATE "C", version) > ($3, $4, $5)
    ORDER BY type, id COLLATE "C", version LIMIT $6`;
};

/** Fails as "storage-unavailable". */
export function readStale(
  db: Database,
  { compartment, before, after, limit }: StaleRows,
): Promise<Result<readonly StoredRow[]>> {
  const patient = compartment === "organisation" ? null : compartment;
  return attempt(async () => {
    const rows = await db.transaction(async (tx) => {
      await planByIndex(tx);
      return tx.query<RawRow>({
        name: `records-stale-${patient === null ? "o" : "p"}`,
        text: staleSql(patient !== null),
        values: [patient, before, after.type, after.id, after.version, limit],
      });
    });
    return rows.map(rowOf);
  });
}

/** The compartments that have a key, from one on, in order. Fails as "storage-unavailable". */
export function readCompartments(
  db: Queryable,
  after: string,
  limit: number,
): Promise<Result<readonly Compartment[]>> {
  return attempt(async () => {
    const rows = await db.query<{ readonly compartment: string }>({
      name: "records-compartments",
      text: `SELECT DISTINCT compartment FROM keyring.data_key
        WHERE compartment > $1 ORDER BY compartment LIMIT $2`,
      values: [after, limit],
    });
    return rows.flatMap(({ compartment }) => parseCompartment(compartment) ?? []);
  });
}

// A version is either current or in the history, so that each row meets one of the two updates. As
// in writing, all bytes go as one parameter.
const resealSql = `
  WITH sent AS MATERIALIZED (
    SELECT n, type, id, compartment::uuid, version, replaces, dek_version, tokens::bigint[],
      substring($9::bytea FROM start FOR 16) AS content_mac,
      substring($9::bytea FROM start + 16 FOR size) AS sealed
    FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[],
      $8::text[], $10::int[], $11::int[])
      AS s(n, type, id, compartment, version, replaces, dek_version, tokens, start, size)
  ), current AS (
    UPDATE records.resource r SET dek_version = s.dek_version, tokens = s.tokens,
      content_mac = s.content_mac, sealed = s.sealed
    FROM sent s
    WHERE r.type = s.type AND r.id = s.id AND r.version = s.version AND r.dek_version = s.replaces
    RETURNING s.n
  ), former AS (
    UPDATE records.resource_history r SET dek_version = s.dek_version, sealed = s.sealed
    FROM sent s
    WHERE r.type = s.type AND r.id = s.id AND r.version = s.version AND r.dek_version = s.replaces
    RETURNING s.n
  ), ${countSeals}
  SELECT ARRAY(SELECT n FROM current UNION ALL SELECT n FROM former) AS done,
    (SELECT count(*) FROM used) AS keys_used, (SELECT count(*) FROM counted) AS keys_counted`;

function columnsOf(rows: readonly ResealedRow[]): unknown[] {
  const pieces: Buffer[] = [];
  const starts: number[] = [];
  let start = 1;
  for (const { mac, sealed } of rows) {
    pieces.push(mac, sealed);
    starts.push(start);
    start += mac.length + sealed.length;
  }
  return [
    rows.map((_, n) => n),
    rows.map(({ type }) => type),
    rows.map(({ id }) => id),
    rows.map(({ key }) => (key.compartment === "organisation" ? null : key.compartment)),
    rows.map(({ version }) => version),
    rows.map(({ replaces }) => replaces),
    rows.map(({ key }) => key.dekVersion),
    rows.map(({ tokens }) => `{${tokens.join(",")}}`),
    Buffer.concat(pieces),
    starts,
    rows.map(({ sealed }) => sealed.length),
  ];
}

function outcomeOf({ version, lastUpdated, key, sealed }: ResealedRow): RowOutcome {
  const ciphertextHash = createHash("sha256").update(sealed).digest("base64url");
  const { dekVersion } = key;
  return { kind: "updated", version, lastUpdated, dekVersion, ciphertextHash, text: null };
}

/**
 * Puts the rows of a group in place of those that hold the same version under an older key.
 * Throws when the database fails, or when the new key is gone meanwhile.
 */
export async function writeResealed(tx: Queryable, { rows }: ResealGroup): Promise<WriteOutcome> {
  if (rows.length === 0) return ok([]);
  await planByIndex(tx);
  const [found] = await tx.query<{ done: readonly number[] } & CountedSeals>({
    name: "records-reseal",
    text: resealSql,
    values: columnsOf(rows),
  });
  if (found === undefined) return { ...refuse("unexpected"), row: 0 };
  checkCounted(found);
  const done = new Set(found.done);
  return ok(
    rows.map((row, n) =>
      done.has(n) ? outcomeOf(row) : { kind: "refused", problem: { code: "edit-conflict" } },
    ),
  );
}
