import type { Resource } from "@medplum/fhirtypes";
import type { Log } from "#audit/log.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import type { TenantId } from "#core/ids.ts";
import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { contentText } from "#records/fhir/parse.ts";
import { searchLabels } from "#records/fhir/search.ts";
import { readMarked } from "#records/honey.ts";
import type { Operator } from "#records/operator.ts";
import { readStale, type StaleRows } from "#records/reseal-store.ts";
import type { StoredRow } from "#records/store.ts";
import type { ResealedRow, RowOutcome, Work, WriteOutcome } from "#records/write-plan.ts";
import type { Database } from "#storage/database.ts";
import type { DataKey, Vault } from "#vault/vault.ts";

export interface ResealDeps {
  readonly db: Database;
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keyAt" | "open" | "seal" | "token" | "contentMac">;
  readonly log: Pick<Log<Work, WriteOutcome>, "submit">;
}

export const resealLimits = {
  /** Rows put under the new key in one transaction. */
  rowsPerFlush: 250,
  /** Times that rows changed meanwhile are looked for again. */
  passes: 5,
} as const;

const noMac = Buffer.alloc(16);

interface Resealing {
  readonly deps: ResealDeps;
  readonly operator: Operator;
  /** The new key. */
  readonly key: DataKey;
}

/** What one compartment came to. `damaged`: rows that did not open, left as they are. */
export interface Resealed {
  readonly rows: number;
  readonly damaged: number;
}

/** Tokens and MAC of what is current; a deletion has none. */
function marksOf(
  { deps, key }: Resealing,
  row: StoredRow,
  plain: Buffer,
): Pick<ResealedRow, "tokens" | "mac"> {
  if (row.deleted) return { tokens: [], mac: noMac };
  const { text } = readMarked(plain.toString("utf8"));
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return { tokens: [], mac: noMac };
  const content = contentText({ text, scanned: scanned.value }, row.id);
  const labels = searchLabels(JSON.parse(text) as Resource);
  return {
    tokens: labels.map((label) => deps.vault.token(key, label)),
    mac: deps.vault.contentMac(key, Buffer.from(content, "utf8")),
  };
}

/** The row under the new key; "record-damaged" when it does not open under its own. */
async function resealedRow(doing: Resealing, row: StoredRow): Promise<Result<ResealedRow>> {
  const { deps, key } = doing;
  const { tenant, vault } = deps;
  const { compartment, type, id, version, lastUpdated } = row;
  const old = await vault.keyAt(compartment, row.dekVersion);
  if (!old.ok) return old;
  const place = { tenant, compartment, type, id, version };
  const plain = vault.open(old.value, { ...place, dekVersion: row.dekVersion }, row.sealed);
  if (plain === null) return refuse("record-damaged");
  const marks = marksOf(doing, row, plain);
  const sealed = vault.seal(key, { ...place, dekVersion: key.dekVersion }, plain);
  plain.fill(0);
  return ok({ type, id, version, lastUpdated, replaces: row.dekVersion, key, sealed, ...marks });
}

const about = (
  { operator, key }: Resealing,
  { type, id, version }: Pick<StoredRow, "type" | "id" | "version">,
): Omit<Parameters<typeof auditEntry>[0], "decision"> => ({
  ...operator,
  action: "key-reseal",
  role: "operator",
  zone: "operator",
  purpose: "SYSADMIN",
  patient: key.compartment === "organisation" ? null : key.compartment,
  resourceType: type,
  resourceId: id,
  resourceVersion: version,
});

/** One entry a row: the log must know the hash of each ciphertext that is stored. */
function entriesOf(
  doing: Resealing,
  rows: readonly ResealedRow[],
  outcomes: readonly RowOutcome[],
): readonly AuditEntry[] {
  return rows.flatMap((row, at) => {
    const outcome = outcomes[at];
    if (outcome?.kind !== "updated") return [];
    const { dekVersion, ciphertextHash } = outcome;
    return auditEntry({
      ...about(doing, row),
      decision: "permit",
      count: 1,
      dekVersion,
      ciphertextHash,
    });
  });
}

async function logDamaged(doing: Resealing, rows: readonly StoredRow[]): Promise<Result<unknown>> {
  if (rows.length === 0) return ok(null);
  const entries = rows.map((row) =>
    auditEntry({
      ...about(doing, row),
      decision: "error",
      reasons: ["record-damaged"],
      signal: "record-damaged",
    }),
  );
  return doing.deps.log.submit({ entries: () => entries });
}

interface Flushed {
  readonly done: number;
  readonly missed: number;
  readonly damaged: number;
}

async function flush(doing: Resealing, stale: readonly StoredRow[]): Promise<Result<Flushed>> {
  const rows: ResealedRow[] = [];
  const damaged: StoredRow[] = [];
  for (const row of stale) {
    const resealed = await resealedRow(doing, row);
    if (resealed.ok) rows.push(resealed.value);
    else if (resealed.problem.code === "record-damaged") damaged.push(row);
    else return resealed;
  }
  const told = await logDamaged(doing, damaged);
  if (!told.ok) return told;
  const written = await doing.deps.log.submit({
    work: { kind: "reseal", rows },
    entries: (outcome) => (outcome?.ok === true ? entriesOf(doing, rows, outcome.value) : []),
  });
  if (!written.ok) return written;
  const { outcome } = written.value;
  if (outcome === null) return refuse("unexpected");
  if (!outcome.ok) return failed(outcome.problem);
  const done = outcome.value.filter(({ kind }) => kind === "updated").length;
  return ok({ done, missed: rows.length - done, damaged: damaged.length });
}

const beginning: StaleRows["after"] = { type: "", id: "", version: 0 };

/** Once through all rows under older keys. */
async function pass(doing: Resealing): Promise<Result<Flushed>> {
  const { compartment, dekVersion } = doing.key;
  const total = { done: 0, missed: 0, damaged: 0 };
  for (let after = beginning; ;) {
    const limit = resealLimits.rowsPerFlush;
    const stale = await readStale(doing.deps.db, { compartment, before: dekVersion, after, limit });
    if (!stale.ok) return stale;
    const last = stale.value.at(-1);
    if (last === undefined) return ok(total);
    const flushed = await flush(doing, stale.value);
    if (!flushed.ok) return flushed;
    total.done += flushed.value.done;
    total.missed += flushed.value.missed;
    total.damaged += flushed.value.damaged;
    after = last;
  }
}

/**
 * Puts every version of every resource in the key's compartment under this key, the newest of the
 * compartment, while requests go on. Each flush is durable with its entries; cut off anywhere, the
 * rest is still under the older keys and opens as before.
 */
export async function resealCompartment(
  deps: ResealDeps,
  operator: Operator,
  key: DataKey,
): Promise<Result<Resealed>> {
  const doing: Resealing = { deps, operator, key };
  let rows = 0;
  for (let left = resealLimits.passes; left > 0; left -= 1) {
    const passed = await pass(doing);
    if (!passed.ok) return passed;
    rows += passed.value.done;
    // What another wrote in between is under the new key, or is found in the next pass.
    if (passed.value.missed === 0) return ok({ rows, damaged: passed.value.damaged });
  }
  return refuse("edit-conflict", {
    detail: "The rows change faster than they can be sealed anew.",
  });
}
