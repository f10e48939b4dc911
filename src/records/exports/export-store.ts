import { toIso, type Instant } from "#core/clock.ts";
import {
  parseAccountId,
  parsePseudonym,
  parseResourceId,
  type AccountId,
  type Pseudonym,
  type ResourceId,
} from "#core/ids.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { parseCopyForm, type CopyForm } from "#records/exports/form.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

/** A copy that can be fetched. */
export interface StoredCopy {
  readonly id: ResourceId;
  readonly compartment: Pseudonym;
  readonly account: AccountId;
  readonly form: CopyForm;
  readonly madeAt: Instant;
  readonly endsAt: Instant;
  readonly bytes: number;
  readonly resources: number;
  readonly pieces: number;
}

export interface StoredPiece {
  readonly place: number;
  readonly startsAt: number;
  readonly bytes: number;
  readonly dekVersion: number;
  readonly sealed: Buffer;
}

/** Each fails as the database does. */
export function addPiece(
  db: Queryable,
  copy: { readonly id: ResourceId; readonly endsAt: Instant },
  { place, startsAt, bytes, dekVersion, sealed }: StoredPiece,
): Promise<Result<unknown>> {
  return attempt(() =>
    db.query({
      name: "export-add-piece",
      text: `INSERT INTO records.export_piece
          (export, place, starts_at, bytes, dek_version, sealed, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      values: [copy.id, place, startsAt, bytes, dekVersion, sealed, toIso(copy.endsAt)],
    }),
  );
}

/** Makes a copy one that can be fetched: all of its pieces are there. */
export function addCopy(db: Queryable, copy: StoredCopy): Promise<Result<unknown>> {
  const { id, compartment, account, form, madeAt, endsAt, bytes, resources, pieces } = copy;
  const [made, ends] = [toIso(madeAt), toIso(endsAt)];
  return attempt(() =>
    db.query({
      name: "export-add",
      text: `INSERT INTO records.export
          (id, compartment, account, form, made_at, ends_at, bytes, resources, pieces)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      values: [id, compartment, account, form, made, ends, bytes, resources, pieces],
    }),
  );
}

interface RawCopy {
  readonly id: string;
  readonly compartment: string;
  readonly account: string;
  readonly form: string;
  readonly made_at: Instant;
  readonly ends_at: Instant;
  readonly bytes: number;
  readonly resources: number;
  readonly pieces: number;
}

function copyOf(raw: RawCopy): StoredCopy {
  const id = parseResourceId(raw.id);
  const [compartment, account] = [parsePseudonym(raw.compartment), parseAccountId(raw.account)];
  const form = parseCopyForm(raw.form);
  invariant(
    id !== null && compartment !== null && account !== null && form !== null,
    "a stored copy has a place",
  );
  const { bytes, resources, pieces, made_at: madeAt, ends_at: endsAt } = raw;
  return { id, compartment, account, form, madeAt, endsAt, bytes, resources, pieces };
}

/** Null when there is none of this name, or its time is over. */
export async function findCopy(
  db: Queryable,
  id: ResourceId,
  now: Instant,
): Promise<Result<StoredCopy | null>> {
  if (parsePseudonym(id) === null) return ok(null);
  return attempt(async () => {
    const [raw] = await db.query<RawCopy>({
      name: "export-find",
      text: `SELECT id, compartment, account, form, made_at, ends_at, bytes, resources, pieces
        FROM records.export WHERE id = $1 AND ends_at > $2::timestamptz`,
      values: [id, toIso(now)],
    });
    return raw === undefined ? null : copyOf(raw);
  });
}

/** The first piece that holds this byte or a later one. */
export function pieceAt(
  db: Queryable,
  copy: ResourceId,
  byte: number,
): Promise<Result<StoredPiece | null>> {
  return attempt(async () => {
    const [raw] = await db.query<{
      place: number;
      starts_at: number;
      bytes: number;
      dek_version: number;
      sealed: Buffer;
    }>({
      name: "export-piece-at",
      text: `SELECT place, starts_at, bytes, dek_version, sealed FROM records.export_piece
        WHERE export = $1 AND starts_at + bytes > $2 ORDER BY place LIMIT 1`,
      values: [copy, byte],
    });
    if (raw === undefined) return null;
    const { place, starts_at: startsAt, bytes, dek_version: dekVersion, sealed } = raw;
    return { place, startsAt, bytes, dekVersion, sealed };
  });
}

/** Deletes up to `limit` pieces and copies whose time is over. */
export function sweepCopies(
  db: Queryable,
  { now, limit }: { readonly now: Instant; readonly limit: number },
): Promise<Result<unknown>> {
  return attempt(async () => {
    const values = [toIso(now), limit];
    await db.query({
      name: "export-sweep",
      text: `DELETE FROM records.export WHERE id IN
        (SELECT id FROM records.export WHERE ends_at <= $1::timestamptz ORDER BY ends_at LIMIT $2)`,
      values,
    });
    await db.query({
      name: "export-sweep-pieces",
      text: `DELETE FROM records.export_piece WHERE (export, place) IN
        (SELECT export, place FROM records.export_piece WHERE ends_at <= $1::timestamptz
         ORDER BY ends_at LIMIT $2)`,
      values,
    });
  });
}

/** How many copies this account keeps at this moment. */
export function countCopies(
  db: Queryable,
  account: AccountId,
  now: Instant,
): Promise<Result<number>> {
  return attempt(async () => {
    const [row] = await db.query<{ copies: number }>({
      name: "export-count",
      text: `SELECT count(*)::integer AS copies FROM records.export
        WHERE account = $1 AND ends_at > $2::timestamptz`,
      values: [account, toIso(now)],
    });
    return row?.copies ?? 0;
  });
}
