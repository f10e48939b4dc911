import type { Instant } from "#core/clock.ts";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { ok } from "#core/result.ts";
import type { AccessRequestWrite } from "#records/access-requests/register-row.ts";
import type { BreakGlassWrite } from "#records/break-glass/opening-row.ts";
import type { BlindWrite } from "#records/blind/row-store.ts";
import { afterDecision, lostLink, type KeptLinks } from "#records/matching/kept-links.ts";
import type { ChartDecision } from "#records/matching/merge-store.ts";
import type { Compartment, DataKey } from "#vault/vault.ts";

/** A practitioner's place in a patient's care team; an open end is null. */
export interface CareRelation {
  readonly practitioner: ResourceId;
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
}

/** What a Consent is to forbid, as it is stored for policy. */
export type ConsentWrite =
  | { readonly kind: "silent" }
  /** Nobody has read it: it is taken to forbid all. */
  | { readonly kind: "unread" }
  | { readonly kind: "forbids"; readonly dekVersion: number; readonly sealed: Buffer };

export type WriteContent =
  | {
      readonly kind: "put";
      /** The text to store, once version and time are known. */
      readonly render: (version: number, lastUpdated: Instant) => string;
      /** MAC of what the text says whatever its version; equal MACs mean equal content. */
      readonly mac: Buffer;
      /** The MAC under another key, should one be made before the row is written. */
      readonly macUnder?: (key: DataKey) => Buffer;
      readonly labels: readonly string[];
      /** Null unless it is a CareTeam. */
      readonly relations: readonly CareRelation[] | null;
      /** What a Patient is found by across patients; absent for whatever is not to be found so. */
      readonly blind?: BlindWrite;
      /** `link` of a Patient, as it was sent; absent where there is none. */
      readonly links?: unknown;
      /** What a Consent forbids; it counts as unread where this is absent. */
      readonly consent?: ConsentWrite;
      /** Leaves the row alone when its content is the same already. */
      readonly skipUnchanged: boolean;
    }
  | { readonly kind: "delete" };

/** One row to write. Its key is fetched beforehand, so that sealing under the row's lock never waits. */
export interface RowWrite {
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly compartment: Compartment;
  /** The Patient that must be there for this row to be written; null for the organisation's rows. */
  readonly patient: ResourceId | null;
  readonly key: DataKey;
  /** The version that the writer has read (If-Match), 0 for none at all; null writes over whatever is there. */
  readonly ifVersion: number | null;
  readonly content: WriteContent;
}

/** Rows of one request. An atomic group is written as a whole or not at all. */
export interface WriteGroup {
  readonly atomic: boolean;
  readonly rows: readonly RowWrite[];
  /** Stored with the rows, or not at all; of an atomic group that writes the Patients it is about. */
  readonly decision?: ChartDecision;
}

export type RowOutcome =
  | {
      readonly kind: "created" | "updated" | "deleted";
      readonly version: number;
      readonly lastUpdated: Instant;
      readonly dekVersion: number;
      /** SHA-256 of the stored ciphertext, base64url. */
      readonly ciphertextHash: string;
      /** What was stored; null for a deletion. */
      readonly text: string | null;
    }
  | { readonly kind: "unchanged"; readonly version: number; readonly lastUpdated: Instant }
  | { readonly kind: "refused"; readonly problem: Problem };

/** One outcome a row, in order; a refused atomic group names its first refused row, from 0. */
export type GroupOutcome<Row> =
  | { readonly ok: true; readonly value: readonly Row[] }
  | { readonly ok: false; readonly problem: Problem; readonly row: number };

export type WriteOutcome = GroupOutcome<RowOutcome>;

/** A stored version sealed anew: the same content at the same place, under a newer key. */
export interface ResealedRow {
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly version: number;
  readonly lastUpdated: Instant;
  /** Key version under which the row is to be found. */
  readonly replaces: number;
  readonly key: DataKey;
  readonly sealed: Buffer;
  readonly tokens: readonly bigint[];
  readonly mac: Buffer;
}

/** Rows of one patient; each that is not as it was read is refused as "version-conflict". */
export interface ResealGroup {
  readonly kind: "reseal";
  readonly rows: readonly ResealedRow[];
}

/** What the log writes in the transaction of its entries. */
export type Work = WriteGroup | ResealGroup | AccessRequestWrite | BreakGlassWrite;

/** What the database holds of a row before a flush. */
export interface RowState {
  readonly version: number;
  readonly compartment: Compartment;
  readonly lastUpdated: Instant;
  readonly deleted: boolean;
  readonly mac: Buffer;
}

/** One version to write: sealed when its group is known to succeed. */
export interface PlannedRow {
  readonly write: RowWrite;
  readonly version: number;
  readonly lastUpdated: Instant;
}

export type PlannedOutcome =
  | { readonly kind: "created" | "updated" | "deleted"; readonly row: PlannedRow }
  | Extract<RowOutcome, { kind: "unchanged" | "refused" }>;

/** What becomes of each group, in order, and every version to write, in order of writing. */
export interface WritePlan {
  readonly groups: readonly GroupOutcome<PlannedOutcome>[];
  readonly rows: readonly PlannedRow[];
}

/** Names a row within one tenant; a type name holds no slash. */
export const rowName = (type: string, id: string): string => `${type}/${id}`;

type States = ReadonlyMap<string, RowState>;

/** What the database holds of the rows that a flush names. */
export interface Stored {
  readonly rows: States;
  /** What the Patients among them must keep. */
  readonly links: KeptLinks;
}

interface View {
  readonly stored: States;
  /** Rows written earlier in this flush. */
  readonly flushed: Map<string, RowState>;
  /** Rows written earlier in this group. */
  readonly group: Map<string, RowState>;
  readonly kept: KeptLinks;
}

function mergeObstacle({ kept }: View, { type, compartment, content }: RowWrite): Problem | null {
  if (type !== "Patient" || compartment === "organisation") return null;
  const links = kept.get(compartment) ?? [];
  return lostLink(links, content.kind === "delete" ? null : { link: content.links });
}

function stateIn(view: View, name: string): RowState | undefined {
  return view.group.get(name) ?? view.flushed.get(name) ?? view.stored.get(name);
}

function obstacle(view: View, write: RowWrite, current: RowState | undefined): Problem | null {
  // A deleted row may be brought back, yet only into the record it was in: history stays with its patient.
  if (current !== undefined && current.compartment !== write.compartment)
    return problem("compartment-unclear", { detail: "A resource stays with its first patient." });
  if (write.ifVersion !== null && (current?.version ?? 0) !== write.ifVersion)
    return problem("version-conflict");
  if (write.content.kind === "delete") return current === undefined ? problem("not-found") : null;
  if (write.patient === null || (write.type === "Patient" && write.id === write.patient))
    return null;
  const patient = stateIn(view, rowName("Patient", write.patient));
  return patient === undefined || patient.deleted
    ? problem("reference-missing", { detail: `There is no Patient/${write.patient}.` })
    : null;
}

function isUnchanged({ content }: RowWrite, current: RowState): boolean {
  if (content.kind === "delete") return current.deleted;
  return content.skipUnchanged && !current.deleted && current.mac.equals(content.mac);
}

const noMac = Buffer.alloc(16);

function planRow(view: View, write: RowWrite, now: Instant): PlannedOutcome {
  const name = rowName(write.type, write.id);
  const current = stateIn(view, name);
  const found = obstacle(view, write, current) ?? mergeObstacle(view, write);
  if (found !== null) return { kind: "refused", problem: found };
  if (current !== undefined && isUnchanged(write, current))
    return { kind: "unchanged", version: current.version, lastUpdated: current.lastUpdated };
  const version = (current?.version ?? 0) + 1;
  // A clock set back must not make a newer version look older.
  const lastUpdated =
    current !== undefined && current.lastUpdated > now ? current.lastUpdated : now;
  const { content } = write;
  view.group.set(name, {
    version,
    compartment: write.compartment,
    lastUpdated,
    deleted: content.kind === "delete",
    mac: content.kind === "delete" ? noMac : content.mac,
  });
  const row = { write, version, lastUpdated };
  if (content.kind === "delete") return { kind: "deleted", row };
  return { kind: current === undefined || current.deleted ? "created" : "updated", row };
}

function planGroup(view: View, group: WriteGroup, now: Instant): GroupOutcome<PlannedOutcome> {
  const outcomes: PlannedOutcome[] = [];
  for (const [row, write] of group.rows.entries()) {
    const outcome = planRow(view, write, now);
    if (group.atomic && outcome.kind === "refused")
      return { ok: false, problem: outcome.problem, row };
    outcomes.push(outcome);
  }
  return ok(outcomes);
}

// A decision writes links and takes them out by itself; nothing else may take them out.
const noLinks: KeptLinks = new Map();

/**
 * Decides what a flush of groups does to the rows that `stored` holds, one group after the other:
 * each sees what those before it wrote. Pure: neither seals nor writes. What is stored must hold every
 * row that exists of those written and of the patients that they name.
 */
export function planWrites(
  { rows: stored, links }: Stored,
  groups: readonly WriteGroup[],
  now: Instant,
): WritePlan {
  const flushed = new Map<string, RowState>();
  const rows: PlannedRow[] = [];
  let standing = links;
  const planned = groups.map((group) => {
    const { decision } = group;
    const after = decision === undefined ? standing : afterDecision(standing, decision);
    const kept = decision === undefined ? standing : noLinks;
    const view: View = { stored, flushed, group: new Map(), kept };
    const outcome = planGroup(view, group, now);
    if (!outcome.ok) return outcome;
    standing = after;
    for (const [name, state] of view.group) flushed.set(name, state);
    for (const each of outcome.value) if ("row" in each) rows.push(each.row);
    return outcome;
  });
  return { groups: planned, rows };
}
