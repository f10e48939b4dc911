import type { Instant } from "#core/clock.ts";
import { parsePseudonym, parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { Compartment } from "#vault/vault.ts";

/** One version of a resource as it lies in the database. */
export interface StoredRow {
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly compartment: Compartment;
  readonly version: number;
  readonly lastUpdated: Instant;
  readonly deleted: boolean;
  readonly dekVersion: number;
  readonly sealed: Buffer;
}

/** A row whose ciphertext was left in the database, as it is large. */
export interface LeftRow extends Omit<StoredRow, "sealed"> {
  readonly sealed: null;
  /** Length of the ciphertext. */
  readonly bytes: number;
}

/** A row as a search reads it, which may have to look at many. */
export type SearchedRow = StoredRow | LeftRow;

/** Bytes of a row's ciphertext. */
export const bytesOf = (row: SearchedRow): number =>
  row.sealed === null ? row.bytes : row.sealed.length;

/** Rows of one resource, and whether the practitioner asked about stands in its patient's care team. */
export interface FoundRows {
  readonly rows: readonly StoredRow[];
  readonly inCareTeam: boolean;
}

/** Who asks, as far as care teams are concerned: null for whoever is no practitioner. */
export interface CareAsker {
  readonly practitioner: ResourceId | null;
  readonly at: Instant;
}

/** A row as the driver reads it. */
export interface RawRow {
  readonly type: ResourceType;
  readonly id: string;
  readonly compartment: string | null;
  readonly version: number;
  readonly last_updated: Instant;
  readonly deleted: boolean;
  readonly dek_version: number;
  readonly sealed: Buffer;
  readonly in_care_team?: boolean;
}

/** A row of `searchedColumns`. */
export interface RawSearchedRow extends Omit<RawRow, "sealed"> {
  readonly sealed: Buffer | null;
  readonly bytes: number;
}

export function searchedRowOf(raw: RawSearchedRow): SearchedRow {
  const { sealed, bytes } = raw;
  return sealed === null ? { ...placeOf(raw), sealed, bytes } : { ...placeOf(raw), sealed };
}

export const rowOf = (raw: RawRow): StoredRow => ({ ...placeOf(raw), sealed: raw.sealed });

function placeOf(raw: Omit<RawRow, "sealed">): Omit<StoredRow, "sealed"> {
  const compartment = raw.compartment === null ? "organisation" : parsePseudonym(raw.compartment);
  const id = parseResourceId(raw.id);
  invariant(compartment !== null && id !== null, "a stored row has no valid place");
  const { type, version, deleted } = raw;
  return {
    type,
    id,
    compartment,
    version,
    lastUpdated: raw.last_updated,
    deleted,
    dekVersion: raw.dek_version,
  };
}

const placeColumns = "type, id, compartment, version, last_updated, deleted, dek_version";

/** What rowOf needs. */
export const columns = `${placeColumns}, sealed`;

/** A search reads the ciphertext of larger rows one after the other, and holds none of them. */
const heldBytes = 32 * 1024;

/** What searchedRowOf needs. */
export const searchedColumns = `${placeColumns}, octet_length(sealed) AS bytes,
  CASE WHEN octet_length(sealed) <= ${heldBytes} THEN sealed END AS sealed`;
