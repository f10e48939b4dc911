import type { Instant } from "#core/clock.ts";
import type { Queryable, Statement } from "#storage/database.ts";
import { tileBytes, type Tile } from "#audit/tile.ts";
import { writingActions } from "#audit/written.ts";

/** Who may append to a log: the row of its lease, at the epoch in which we took it. */
export interface Lease {
  readonly logId: number;
  readonly epoch: number;
}

/**
 * Takes the lease of a log, making the log when it is new; whoever held it is fenced off from here
 * on. Null when the origin belongs to another database role. Call it in a transaction.
 */
export async function takeLease(
  tx: Queryable,
  origin: string,
  holder: string,
): Promise<Lease | null> {
  await tx.query("INSERT INTO audit.log (origin) VALUES ($1) ON CONFLICT (origin) DO NOTHING", [
    origin,
  ]);
  const [lease] = await tx.query<{ logId: number; epoch: number }>(
    `INSERT INTO audit.lease AS held (log_id, epoch, holder)
     SELECT id, 1, $2 FROM audit.log WHERE origin = $1 AND writer = current_user
     ON CONFLICT (log_id) DO UPDATE SET epoch = held.epoch + 1, holder = $2, taken_at = now()
     RETURNING log_id AS "logId", epoch`,
    [origin, holder],
  );
  return lease ?? null;
}

/**
 * Raises the epoch of a lease that this holder still has, so that no earlier statement of ours
 * whose outcome we do not know can still append. Null when another took it.
 */
export async function retakeLease(
  tx: Queryable,
  logId: number,
  holder: string,
): Promise<Lease | null> {
  const [lease] = await tx.query<{ logId: number; epoch: number }>(
    `UPDATE audit.lease SET epoch = epoch + 1 WHERE log_id = $1 AND holder = $2
     RETURNING log_id AS "logId", epoch`,
    [logId, holder],
  );
  return lease ?? null;
}

export interface Tail {
  /** Number of entries by the highest index; 0 when there is none. */
  readonly entries: number;
  /** Size of the newest checkpoint by its row; 0 when there is none. */
  readonly signed: number;
  /** The newest checkpoint; null when the log has none yet. */
  readonly note: string | null;
}

export async function readTail(tx: Queryable, logId: number): Promise<Tail> {
  const [tail] = await tx.query<Tail>(
    // One statement sees one moment, in which a writer's entries and checkpoint agree.
    `SELECT coalesce((SELECT max(seq) + 1 FROM audit.entry WHERE log_id = $1), 0)::bigint AS entries,
       coalesce(newest.size, 0)::bigint AS signed, newest.note
     FROM (VALUES (1)) AS one LEFT JOIN LATERAL
       (SELECT size, note FROM audit.checkpoint WHERE log_id = $1 ORDER BY size DESC LIMIT 1)
       AS newest ON true`,
    [logId],
  );
  return tail ?? { entries: 0, signed: 0, note: null };
}

/** Leaf hashes of entries from `from` on, in order. */
export async function readLeafHashes(
  tx: Queryable,
  logId: number,
  from: number,
): Promise<readonly Buffer[]> {
  const rows = await tx.query<{ leaf_hash: Buffer }>(
    "SELECT leaf_hash FROM audit.entry WHERE log_id = $1 AND seq >= $2 ORDER BY seq",
    [logId, from],
  );
  return rows.map((row) => row.leaf_hash);
}

/** The bytes of full tiles of one level from `from` on, in order. */
export async function readTiles(
  tx: Queryable,
  at: { readonly logId: number; readonly level: number; readonly from: number },
): Promise<readonly Buffer[]> {
  const rows = await tx.query<{ hashes: Buffer }>(
    `SELECT hashes FROM audit.tile WHERE log_id = $1 AND level = $2 AND index >= $3 ORDER BY index`,
    [at.logId, at.level, at.from],
  );
  return rows.map((row) => row.hashes);
}

export interface Addition {
  readonly lease: Lease;
  /** Index of the first leaf. */
  readonly from: number;
  readonly leaves: readonly string[];
  readonly leafHashes: readonly Buffer[];
  readonly tiles: readonly Tile[];
  readonly size: number;
  readonly note: string;
}

export interface ProofRow {
  /** SHA-256, as seen-proofs.ts makes it. */
  readonly digest: Buffer;
  readonly expiresAt: Instant;
}

// The lock makes a takeover wait for us, and us see its epoch: no append can slip past it.
const lease = `lease AS MATERIALIZED (
    SELECT FROM audit.lease WHERE log_id = $1 AND epoch = $2 FOR SHARE)`;

const writing = `('${writingActions.join("', '")}')`;

// json_array_elements gives each element's text as it was sent, so the bytes stored are those hashed,
// and the columns are read out of the very bytes that they must agree with.
const additions = `entries AS (
    INSERT INTO audit.entry (log_id, seq, leaf, leaf_hash, time, action, decision,
      actor, device, client, address, patient, signal, written)
    SELECT $1, $3::bigint + n - 1, convert_to(leaf::text, 'UTF8'),
      substring($5::bytea FROM 32 * n::int - 31 FOR 32),
      time, action, decision, actor, device, client, address, patient, signal,
      CASE WHEN decision = 'permit' AND action IN ${writing}
        THEN "resourceType" || '/' || "resourceId" END
    FROM lease, json_array_elements($4::json) WITH ORDINALITY AS item (leaf, n),
      json_to_record(leaf) AS fields (time bigint, action text, decision text, actor text,
        device text, client text, address text, patient uuid, signal text, "resourceType" text,
        "resourceId" text)),
  checkpoint AS (
    INSERT INTO audit.checkpoint (log_id, size, note) SELECT $1, $6::bigint, $7 FROM lease)`;

const tiles = `tiles AS (
    INSERT INTO audit.tile (log_id, level, index, hashes)
    SELECT $1, level, index, substring($8::bytea FROM 8192 * n::int - 8191 FOR 8192)
    FROM lease, unnest($9::smallint[], $10::bigint[]) WITH ORDINALITY AS tile (level, index, n))`;

// JSON, not an array: the planner looks into an array's length and would plan anew at every flush.
const proofRows = (digests: string, expiries: string): string => `
    INSERT INTO audit.used_proof (proof, expires_at)
    SELECT substring(${digests}::bytea FROM 32 * n::int - 31 FOR 32), expires_at::bigint
    FROM lease, json_array_elements_text(${expiries}::json) WITH ORDINALITY AS proof (expires_at, n)`;

const held = "SELECT count(*)::int AS held FROM lease";

/** The parts of an append come and go with the batch; each combination is prepared once. */
const appends = {
  "audit.append": `WITH ${lease}, ${additions} ${held}`,
  "audit.append.tiles": `WITH ${lease}, ${additions}, ${tiles} ${held}`,
  "audit.append.proofs": `WITH ${lease}, ${additions}, proofs AS (${proofRows("$8", "$9")}) ${held}`,
  "audit.append.tiles.proofs": `WITH ${lease}, ${additions}, ${tiles},
    proofs AS (${proofRows("$11", "$12")}) ${held}`,
} as const;

/** The statement of `append`, for a transaction that holds the lease and has claimed its proofs. */
export function appending(add: Addition, proofs: readonly ProofRow[] = []): Statement {
  const name = `audit.append${add.tiles.length > 0 ? ".tiles" : ""}${
    proofs.length > 0 ? ".proofs" : ""
  }` as const;
  const values: unknown[] = [
    add.lease.logId,
    add.lease.epoch,
    add.from,
    `[${add.leaves.join(",")}]`,
    Buffer.concat(add.leafHashes),
    add.size,
    add.note,
  ];
  if (add.tiles.length > 0)
    values.push(
      Buffer.concat(add.tiles.map((tile) => tileBytes(tile.hashes))),
      add.tiles.map((tile) => tile.level),
      add.tiles.map((tile) => tile.index),
    );
  if (proofs.length > 0) values.push(digestsOf(proofs), expiriesOf(proofs));
  return { name, text: appends[name], values };
}

const digestsOf = (proofs: readonly ProofRow[]): Buffer =>
  Buffer.concat(proofs.map((proof) => proof.digest));

const expiriesOf = (proofs: readonly ProofRow[]): string =>
  JSON.stringify(proofs.map((proof) => proof.expiresAt));

/**
 * Appends entries, full tiles and checkpoint, and marks the proofs as used, in one statement. False
 * when the lease was lost: then nothing was written. Throws a unique violation of used_proof_pkey
 * when one of the proofs was used before.
 */
export async function append(
  on: Queryable,
  addition: Addition,
  proofs: readonly ProofRow[],
): Promise<boolean> {
  const [row] = await on.query<{ held: number }>(appending(addition, proofs));
  return row?.held === 1;
}

/**
 * Holds the lease for the rest of the transaction and marks the proofs as used. Answers which of
 * them were not used before; null when the lease was lost.
 */
export async function claimProofs(
  tx: Queryable,
  { logId, epoch }: Lease,
  proofs: readonly ProofRow[],
): Promise<readonly Buffer[] | null> {
  const [row] = await tx.query<{ held: number; fresh: readonly Buffer[] }>({
    name: "audit.claim",
    text: `WITH ${lease}, fresh AS (${proofRows("$3", "$4")} ON CONFLICT DO NOTHING RETURNING proof)
      SELECT (SELECT count(*)::int FROM lease) AS held, ARRAY(SELECT proof FROM fresh) AS fresh`,
    values: [logId, epoch, digestsOf(proofs), expiriesOf(proofs)],
  });
  return row?.held === 1 ? row.fresh : null;
}

/** Forgets proofs that are too old to be accepted anyway, at most `limit` of them. */
export async function forgetProofs(on: Queryable, now: Instant, limit: number): Promise<void> {
  await on.query({
    name: "audit.forget-proofs",
    text: `DELETE FROM audit.used_proof WHERE (tenant, proof) IN
      (SELECT tenant, proof FROM audit.used_proof WHERE expires_at < $1 LIMIT $2)`,
    values: [now, limit],
  });
}
