import { createHash } from "node:crypto";
import { toIso, type Clock, type Instant } from "#core/clock.ts";
import { parsePseudonym, type TenantId } from "#core/ids.ts";
import { invariant, ok } from "#core/result.ts";
import { replaceBlindRows } from "#records/blind/row-store.ts";
import {
  planWrites,
  rowName,
  type PlannedOutcome,
  type PlannedRow,
  type RowOutcome,
  type RowState,
  type RowWrite,
  type WriteGroup,
  type WriteOutcome,
} from "#records/write-plan.ts";
import { keptLinks, type KeptLinks } from "#records/matching/kept-links.ts";
import { readMergedOf } from "#records/matching/merge-store.ts";
import { storeConsents } from "#records/consent/consent-store.ts";
import { planByIndex } from "#records/by-index-store.ts";
import {
  checkCounted,
  countSeals,
  LostRace,
  type CountedSeals,
} from "#records/seal-count-store.ts";
import { createPause } from "#core/turns.ts";
import type { Queryable } from "#storage/database.ts";
import type { Vault } from "#vault/vault.ts";

export interface WriteDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "seal" | "token" | "newer">;
  readonly clock: Clock;
}

/** A planned row with its ciphertext, ready to be stored. */
interface SealedRow extends PlannedRow {
  readonly sealed: Buffer;
  readonly hash: string;
  readonly text: string | null;
  readonly tokens: readonly bigint[];
}

interface StateRow {
  readonly type: string;
  readonly id: string;
  readonly compartment: string | null;
  readonly version: number;
  readonly last_updated: Instant;
  readonly deleted: boolean;
  readonly content_mac: Buffer;
}

/** Both statements take their locks in one order, so that two writers wait instead of deadlocking. */
const readStates = (lock: "UPDATE" | "SHARE"): string => `
  SELECT r.type, r.id, r.compartment, r.version, r.last_updated, r.deleted, r.content_mac
  FROM records.resource r JOIN unnest($1::text[], $2::text[]) AS k(type, id) USING (type, id)
  ORDER BY r.type, r.id FOR ${lock} OF r`;

function stateOf(row: StateRow): RowState {
  const compartment = row.compartment === null ? "organisation" : parsePseudonym(row.compartment);
  invariant(compartment !== null, "a stored row has no valid compartment");
  const { version, deleted, last_updated: lastUpdated, content_mac: mac } = row;
  return { version, compartment, lastUpdated, deleted, mac };
}

async function lockStates(
  tx: Queryable,
  groups: readonly WriteGroup[],
): Promise<ReadonlyMap<string, RowState>> {
  const written = new Map<string, readonly [string, string]>();
  const named = new Map<string, readonly [string, string]>();
  for (const { rows } of groups)
    for (const { type, id, patient } of rows) {
      written.set(rowName(type, id), [type, id]);
      if (patient !== null) named.set(rowName("Patient", patient), ["Patient", patient]);
    }
  const states = new Map<string, RowState>();
  const load = async (lock: "UPDATE" | "SHARE", keys: typeof written): Promise<void> => {
    if (keys.size === 0) return;
    const pairs = [...keys.values()];
    const values = [pairs.map(([type]) => type), pairs.map(([, id]) => id)];
    const rows = await tx.query<StateRow>({
      name: `records-lock-${lock}`,
      text: readStates(lock),
      values,
    });
    for (const row of rows) states.set(rowName(row.type, row.id), stateOf(row));
  };
  for (const name of written.keys()) named.delete(name);
  // Shared, so that a patient is not deleted under the rows that are being written for her.
  await Promise.all([load("UPDATE", written), load("SHARE", named)]);
  return states;
}

/**
 * The links that merges have written into Patients that are written over. Read once these are locked:
 * whoever decides about them writes them, too, so that no merge can come between.
 */
async function linksOf(
  tx: Queryable,
  groups: readonly WriteGroup[],
  stored: ReadonlyMap<string, RowState>,
): Promise<KeptLinks> {
  const charts = new Set(
    groups.flatMap(({ rows }) =>
      rows.flatMap(({ type, id, compartment }) =>
        type === "Patient" && compartment !== "organisation" && stored.has(rowName(type, id))
          ? [compartment]
          : [],
      ),
    ),
  );
  if (charts.size === 0) return new Map();
  return keptLinks(await readMergedOf(tx, [...charts]));
}

/**
 * The row under the newest key there is. Its key was fetched before it came here, and a newer one
 * made meanwhile is meant for everything written from then on.
 */
function underNewest(write: RowWrite, vault: WriteDeps["vault"]): RowWrite {
  const key = vault.newer(write.key);
  if (key === write.key) return write;
  const { content } = write;
  if (content.kind === "delete") return { ...write, key };
  const mac = content.macUnder?.(key) ?? content.mac;
  return { ...write, key, content: { ...content, mac } };
}

function seal({ tenant, vault }: WriteDeps, row: PlannedRow): SealedRow {
  const { write, version, lastUpdated } = row;
  const { type, id, compartment, key, content } = write;
  const text = content.kind === "put" ? content.render(version, lastUpdated) : null;
  const place = { tenant, compartment, type, id, version, dekVersion: key.dekVersion };
  const sealed = vault.seal(key, place, Buffer.from(text ?? "", "utf8"));
  const hash = createHash("sha256").update(sealed).digest("base64url");
  const labels = content.kind === "put" ? content.labels : [];
  return { ...row, sealed, hash, text, tokens: labels.map((label) => vault.token(key, label)) };
}

// One statement for current rows and history: the rows go as arrays, and their bytes as one
// parameter cut up by the server, since an array of bytea would travel as text of twice the size.
const writeRows = `
  WITH sent AS MATERIALIZED (
    SELECT type, id, compartment::uuid, version, replaces, last_updated::timestamptz, deleted,
      dek_version, tokens::bigint[], newest,
      substring($11::bytea FROM start FOR 16) AS content_mac,
      substring($11::bytea FROM start + 16 FOR size) AS sealed
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::bool[],
      $8::int[], $9::text[], $10::bool[], $12::int[], $13::int[])
      AS s(type, id, compartment, version, replaces, last_updated, deleted,
        dek_version, tokens, newest, start, size)
  ), replaced AS (
    INSERT INTO records.resource_history
      (type, id, compartment, version, last_updated, deleted, dek_version, sealed)
    SELECT r.type, r.id, r.compartment, r.version, r.last_updated, r.deleted, r.dek_version, r.sealed
    FROM sent s JOIN records.resource r ON r.type = s.type AND r.id = s.id
    WHERE s.newest AND s.replaces > 0
  ), passed AS (
    INSERT INTO records.resource_history
      (type, id, compartment, version, last_updated, deleted, dek_version, sealed)
    SELECT type, id, compartment, version, last_updated, deleted, dek_version, sealed
    FROM sent WHERE NOT newest
  ), added AS (
    INSERT INTO records.resource
      (type, id, compartment, version, last_updated, deleted, dek_version, tokens, content_mac, sealed)
    SELECT type, id, compartment, version, last_updated, deleted, dek_version, tokens, content_mac,
      sealed
    FROM sent WHERE newest AND replaces = 0
    ON CONFLICT DO NOTHING RETURNING 1
  ), changed AS (
    UPDATE records.resource r SET version = s.version, last_updated = s.last_updated,
      deleted = s.deleted, dek_version = s.dek_version, tokens = s.tokens,
      content_mac = s.content_mac, sealed = s.sealed
    FROM sent s
    WHERE s.newest AND s.replaces > 0 AND r.type = s.type AND r.id = s.id
      AND r.version = s.replaces
    RETURNING 1
  ), ${countSeals}
  SELECT (SELECT count(*) FROM added) + (SELECT count(*) FROM changed) AS written,
    (SELECT count(*) FROM used) AS keys_used, (SELECT count(*) FROM counted) AS keys_counted`;

const noMac = Buffer.alloc(16);

function columnsOf(rows: readonly SealedRow[], stored: ReadonlyMap<string, RowState>): unknown[] {
  const newest = new Map(
    rows.map(({ write, version }) => [rowName(write.type, write.id), version]),
  );
  const isNewest = ({ write, version }: SealedRow): boolean =>
    newest.get(rowName(write.type, write.id)) === version;
  const pieces: Buffer[] = [];
  const starts: number[] = [];
  let start = 1;
  for (const { write, sealed } of rows) {
    pieces.push(write.content.kind === "put" ? write.content.mac : noMac, sealed);
    starts.push(start);
    start += noMac.length + sealed.length;
  }
  const compartment = ({ write }: SealedRow): string | null =>
    write.compartment === "organisation" ? null : write.compartment;
  return [
    rows.map(({ write }) => write.type),
    rows.map(({ write }) => write.id),
    rows.map(compartment),
    rows.map(({ version }) => version),
    rows.map(({ write }) => stored.get(rowName(write.type, write.id))?.version ?? 0),
    rows.map(({ lastUpdated }) => toIso(lastUpdated)),
    rows.map(({ write }) => write.content.kind === "delete"),
    rows.map(({ write }) => write.key.dekVersion),
    rows.map(({ tokens }) => `{${tokens.join(",")}}`),
    rows.map(isNewest),
    Buffer.concat(pieces),
    starts,
    rows.map(({ sealed }) => sealed.length),
  ];
}

async function store(
  tx: Queryable,
  rows: readonly SealedRow[],
  stored: ReadonlyMap<string, RowState>,
): Promise<void> {
  if (rows.length === 0) return;
  const names = new Set(rows.map(({ write }) => rowName(write.type, write.id)));
  const values = columnsOf(rows, stored);
  const [count] = await tx.query<{ written: number } & CountedSeals>({
    name: "records-write",
    text: writeRows,
    values,
  });
  if (count?.written !== names.size) throw new LostRace();
  checkCounted(count);
}

async function storeRelations(tx: Queryable, writes: readonly RowWrite[]): Promise<void> {
  const teams = new Map(
    writes.filter(({ type }) => type === "CareTeam").map((write) => [write.id, write]),
  );
  if (teams.size === 0) return;
  await tx.query("DELETE FROM records.care_relation WHERE source = ANY ($1)", [[...teams.keys()]]);
  const relations = [...teams.values()].flatMap(({ id, compartment, content }) =>
    content.kind === "delete" || compartment === "organisation"
      ? []
      : (content.relations ?? []).map((relation) => ({ id, compartment, ...relation })),
  );
  if (relations.length === 0) return;
  await tx.query(
    `INSERT INTO records.care_relation (source, patient, practitioner, starts_at, ends_at)
     SELECT source, patient::uuid, practitioner, starts_at::timestamptz, ends_at::timestamptz
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       AS r(source, patient, practitioner, starts_at, ends_at)
     ON CONFLICT DO NOTHING`,
    [
      relations.map(({ id }) => id),
      relations.map(({ compartment }) => compartment),
      relations.map(({ practitioner }) => practitioner),
      relations.map(({ startsAt }) => (startsAt === null ? "-infinity" : toIso(startsAt))),
      relations.map(({ endsAt }) => (endsAt === null ? "infinity" : toIso(endsAt))),
    ],
  );
}

function outcomeOf(
  planned: PlannedOutcome,
  sealed: ReadonlyMap<PlannedRow, SealedRow>,
): RowOutcome {
  if (!("row" in planned)) return planned;
  const row = sealed.get(planned.row);
  invariant(row !== undefined, "a planned row was not sealed");
  const { version, lastUpdated, hash, text, write } = row;
  const { dekVersion } = write.key;
  return { kind: planned.kind, version, lastUpdated, dekVersion, ciphertextHash: hash, text };
}

/**
 * Makes the log's `alongside`: writes all groups of a flush in its transaction. Rows are locked,
 * planned, then sealed while the lock is held: the seal binds the version, so sealing earlier
 * would mean sealing again after each conflict, and at a few microseconds a row the lock is not
 * held noticeably longer. Throws when the database fails, or when another process created one of
 * the rows in between; the transaction then leaves nothing.
 */
export function writeRecords(
  deps: WriteDeps,
): (tx: Queryable, groups: readonly WriteGroup[]) => Promise<readonly WriteOutcome[]> {
  return async (tx, submitted) => {
    const groups = submitted.map((group) => ({
      ...group,
      rows: group.rows.map((row) => underNewest(row, deps.vault)),
    }));
    const [, stored] = await Promise.all([planByIndex(tx), lockStates(tx, groups)]);
    const links = await linksOf(tx, groups, stored);
    const plan = planWrites({ rows: stored, links }, groups, deps.clock.now());
    const sealed = new Map<PlannedRow, SealedRow>();
    const pause = createPause(deps.clock);
    for (const row of plan.rows) {
      sealed.set(row, seal(deps, row));
      await pause();
    }
    await store(tx, [...sealed.values()], stored);
    const writes = plan.rows.map(({ write }) => write);
    await storeRelations(tx, writes);
    await storeConsents(tx, writes);
    await replaceBlindRows(tx, writes);
    return plan.groups.map((group) =>
      group.ok ? ok(group.value.map((planned) => outcomeOf(planned, sealed))) : group,
    );
  };
}
