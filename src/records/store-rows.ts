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

export function rowOf(raw: RawRow): StoredRow {
  const compartment = raw.compartment === null ? "organisation" : parsePseudonym(raw.compartment);
  const id = parseResourceId(raw.id);
  invariant(compartment !== null && id !== null, "a stored row has no valid place");
  const { type, version, deleted, sealed } = raw;
  return {
    type,
    id,
    compartment,
    version,
    lastUpdated: raw.last_updated,
    deleted,
    dekVersion: raw.dek_version,
    sealed,
  };
}

/** What rowOf needs. */
export const columns = "type, id, compartment, version, last_updated, deleted, dek_version, sealed";
