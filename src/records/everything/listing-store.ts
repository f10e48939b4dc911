import type { Instant } from "#core/clock.ts";
import { toIso } from "#core/clock.ts";
import {
  parseResourceId,
  parseResourceType,
  type Pseudonym,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { columns, rowOf, type RawRow, type StoredRow } from "#records/store-rows.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export const listingLimits = {
  /** Resources that one patient's record may have to be taken as a whole. */
  resources: 200_000,
} as const;

/** Names one resource of a record. */
export interface Listed {
  readonly type: ResourceType;
  readonly id: ResourceId;
}

export interface ListingAsked {
  /** All charts of the person, the one that was asked for first. */
  readonly charts: readonly Pseudonym[];
  /** Null for all types. */
  readonly types: readonly string[] | null;
  /** Written at or after; null for all. */
  readonly since: Instant | null;
}

/**
 * What a record holds now, so that all of it can be read piece by piece while it goes on changing:
 * the Patient first, then by type and id. Fails as "too-costly" beyond listingLimits.resources.
 */
export async function listRecord(
  db: Queryable,
  { charts, types, since }: ListingAsked,
): Promise<Result<readonly Listed[]>> {
  const read = await attempt(() =>
    db.query<{ type: string; id: string }>({
      name: "records-everything-listing",
      text: `SELECT type, id FROM records.resource
        WHERE compartment = ANY ($1::uuid[]) AND NOT deleted
          AND ($2::text[] IS NULL OR type = ANY ($2::text[]))
          AND ($3::timestamptz IS NULL OR last_updated >= $3::timestamptz)
        ORDER BY type <> 'Patient', (type = 'Patient' AND compartment <> ($1::uuid[])[1]), type COLLATE "C", id LIMIT ${listingLimits.resources + 1}`,
      values: [charts, types, since === null ? null : toIso(since)],
    }),
  );
  if (!read.ok) return read;
  if (read.value.length > listingLimits.resources)
    return refuse("too-costly", { detail: "The record is too large to be taken in one piece." });
  return ok(
    read.value.flatMap((row) => {
      const [type, id] = [parseResourceType(row.type), parseResourceId(row.id)];
      return type === null || id === null ? [] : [{ type, id }];
    }),
  );
}

/** The newest versions of what was listed, in its order; what was deleted meanwhile is left out. */
export function readListed(
  db: Queryable,
  listed: readonly Listed[],
): Promise<Result<readonly StoredRow[]>> {
  return attempt(async () => {
    const raw = await db.query<RawRow>({
      name: "records-everything-rows",
      text: `SELECT ${columns}
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS listed (type, id, place)
        JOIN records.resource USING (type, id)
        WHERE NOT deleted ORDER BY place`,
      values: [listed.map(({ type }) => type), listed.map(({ id }) => id)],
    });
    return raw.map(rowOf);
  });
}

/** Bytes of each as it lies sealed, in the order of the list; 0 for what is not there. */
export function sizesOf(
  db: Queryable,
  listed: readonly Listed[],
): Promise<Result<readonly number[]>> {
  return attempt(async () => {
    const rows = await db.query<{ bytes: number }>({
      name: "records-everything-sizes",
      text: `SELECT coalesce(octet_length(sealed), 0) AS bytes
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS listed (type, id, place)
        LEFT JOIN records.resource USING (type, id) ORDER BY place`,
      values: [listed.map(({ type }) => type), listed.map(({ id }) => id)],
    });
    return rows.map(({ bytes }) => bytes);
  });
}
