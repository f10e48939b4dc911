import { laterBy, toIso, type Instant } from "#core/clock.ts";
import {
  parseAccountId,
  parsePseudonym,
  parseResourceId,
  type AccountId,
  type Pseudonym,
  type ResourceId,
} from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { BreakGlassWrite, OpeningRow } from "#records/break-glass/opening-row.ts";
import { breakGlassLimits } from "#records/break-glass/rules.ts";
import type { WriteOutcome } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

interface RawRow {
  readonly id: string;
  readonly version: number;
  readonly compartment: string;
  readonly account: string;
  readonly opened_at: Instant;
  readonly ends_at: Instant;
  readonly reviewed: boolean;
  readonly dek_version: number;
  readonly sealed: Buffer;
}

function rowOf(raw: RawRow): OpeningRow {
  const [id, compartment] = [parseResourceId(raw.id), parsePseudonym(raw.compartment)];
  const account = parseAccountId(raw.account);
  invariant(id !== null && compartment !== null && account !== null, "an opening has a place");
  const { version, sealed } = raw;
  return {
    id,
    version,
    compartment,
    account,
    openedAt: raw.opened_at,
    endsAt: raw.ends_at,
    isReviewed: raw.reviewed,
    dekVersion: raw.dek_version,
    sealed,
  };
}

const columns = `b.id, b.version, b.compartment, b.account, b.opened_at, b.ends_at, b.reviewed,
  b.dek_version, b.sealed`;
const newest = `NOT EXISTS (SELECT FROM records.break_glass later
  WHERE later.tenant = b.tenant AND later.id = b.id AND later.version > b.version)`;

const read = (
  db: Queryable,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<Result<readonly OpeningRow[]>> =>
  attempt(async () => (await db.query<RawRow>({ name, text, values })).map(rowOf));

/** An opening that lasts still. */
export type StandingRow = Pick<OpeningRow, "id" | "account" | "compartment" | "endsAt">;

/** Those that last beyond a moment, up to breakGlassLimits.standing. Throws what the driver throws. */
export async function readStanding(db: Queryable, at: Instant): Promise<readonly StandingRow[]> {
  const rows = await db.query<Omit<RawRow, "sealed">>({
    name: "break-glass-standing",
    text: `SELECT b.id, b.version, b.compartment, b.account, b.opened_at, b.ends_at, b.reviewed,
        b.dek_version
      FROM records.break_glass b WHERE b.ends_at > $1 AND ${newest}
      ORDER BY b.ends_at LIMIT ${breakGlassLimits.standing}`,
    values: [toIso(at)],
  });
  return rows.map((raw) => rowOf({ ...raw, sealed: Buffer.alloc(0) }));
}

/** One person's that last still, of these charts. */
export function standingOf(
  db: Queryable,
  { account, charts, at }: { account: AccountId; charts: readonly Pseudonym[]; at: Instant },
): Promise<Result<readonly OpeningRow[]>> {
  const text = `SELECT ${columns} FROM records.break_glass b
    WHERE b.account = $1 AND b.compartment = ANY ($2::uuid[]) AND b.ends_at > $3 AND ${newest}
    ORDER BY b.ends_at DESC, b.id LIMIT ${breakGlassLimits.most.most}`;
  return read(db, "break-glass-own", text, [account, charts, toIso(at)]);
}

/** What waits for a review, oldest first; then what was reviewed last. Each up to the limit. */
export async function queueRows(db: Queryable): Promise<Result<readonly OpeningRow[]>> {
  const some = (isReviewed: boolean, order: string): string => `SELECT ${columns}
    FROM records.break_glass b WHERE ${isReviewed ? "" : "NOT "}b.reviewed AND ${newest}
    ORDER BY ${order} LIMIT ${breakGlassLimits.queueLines}`;
  const owed = await read(db, "break-glass-owed", some(false, "b.opened_at, b.id"), []);
  if (!owed.ok) return owed;
  const text = some(true, "b.changed_at DESC, b.id");
  const reviewed = await read(db, "break-glass-reviewed", text, []);
  return reviewed.ok ? ok([...owed.value, ...reviewed.value]) : reviewed;
}

/** Null when there is no such opening. */
export async function openingById(
  db: Queryable,
  id: ResourceId,
): Promise<Result<OpeningRow | null>> {
  if (parsePseudonym(id) === null) return ok(null);
  const text = `SELECT ${columns} FROM records.break_glass b
    WHERE b.id = $1 ORDER BY b.version DESC LIMIT 1`;
  const found = await read(db, "break-glass-by-id", text, [id]);
  return found.ok ? ok(found.value[0] ?? null) : found;
}

/** How many charts a person opened since a moment, and when the first of them. */
export interface OpenedSince {
  readonly count: number;
  readonly first: Instant | null;
}

async function selectSince(
  on: Queryable,
  account: AccountId,
  since: Instant,
): Promise<OpenedSince> {
  const [row] = await on.query<{ count: number; first: Instant | null }>({
    name: "break-glass-since",
    text: `SELECT count(*) AS count, min(opened_at) AS first FROM records.break_glass
      WHERE account = $1 AND opened_at > $2 AND version = 1`,
    values: [account, toIso(since)],
  });
  invariant(row !== undefined, "a count has a row");
  return row;
}

export const openedSince = (
  db: Queryable,
  account: AccountId,
  since: Instant,
): Promise<Result<OpenedSince>> => attempt(() => selectSince(db, account, since));

/** Until the first of those in the window leaves it. */
export function secondsToWait({ first }: OpenedSince, at: Instant): number {
  const until = first === null ? at : laterBy(first, breakGlassLimits.windowMs);
  return Math.max(1, Math.ceil((until - at) / 1_000));
}

/** Refused as "rate-limited" when the person has opened as many as she may, in whatever process. */
async function takeTurn(tx: Queryable, write: BreakGlassWrite): Promise<WriteOutcome | null> {
  const { allowance, row, changedAt } = write;
  if (allowance === null) return null;
  await tx.query({
    name: "break-glass-turn",
    text: `INSERT INTO records.break_glass_turn AS held (account, turns) VALUES ($1, 1)
      ON CONFLICT (tenant, account) DO UPDATE SET turns = held.turns + 1`,
    values: [row.account],
  });
  const before = await selectSince(tx, row.account, allowance.since);
  if (before.count < allowance.most) return null;
  const retryAfterSeconds = secondsToWait(before, changedAt);
  return { ok: false, problem: problem("rate-limited", { retryAfterSeconds }), row: 0 };
}

/**
 * Adds one version, in the transaction of its log entries; refused as "version-conflict" when
 * somebody else's stands there already.
 */
export async function writeBreakGlass(
  tx: Queryable,
  write: BreakGlassWrite,
): Promise<WriteOutcome> {
  const refusal = await takeTurn(tx, write);
  if (refusal !== null) return refusal;
  const { row, changedAt } = write;
  const { id, version, compartment, account, openedAt, endsAt, isReviewed } = row;
  const added = await tx.query({
    name: "break-glass-add",
    text: `INSERT INTO records.break_glass
        (id, version, compartment, account, opened_at, ends_at, reviewed, changed_at, dek_version,
          sealed)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      ON CONFLICT DO NOTHING RETURNING version`,
    values: [
      id,
      version,
      compartment,
      account,
      toIso(openedAt),
      toIso(endsAt),
      isReviewed,
      toIso(changedAt),
      row.dekVersion,
      row.sealed,
    ],
  });
  if (added.length === 0) return { ok: false, problem: problem("version-conflict"), row: 0 };
  return ok([{ kind: "unchanged", version, lastUpdated: changedAt }]);
}
