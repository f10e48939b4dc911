import type { Resource } from "@medplum/fhirtypes";
import type { TenantId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { readMarked, type RaiseHoney } from "#records/honey.ts";
import type { StoredRow } from "#records/store.ts";
import type { Visit } from "#records/visit.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

/** A row with its seal broken. */
export interface OpenedRow {
  readonly row: StoredRow;
  readonly text: string;
  /** Null for a deletion. Read from the text when first asked for. */
  readonly value: Resource | null;
  /** Of a patient who never was: see honey.ts. */
  readonly isHoney: boolean;
}

/** `row` is the one that does not open; null when the keys could not be had at all. */
export type Opening =
  | { readonly ok: true; readonly value: readonly OpenedRow[] }
  | { readonly ok: false; readonly problem: Problem; readonly row: StoredRow | null };

export interface UnseenDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keys" | "keyAt" | "cached" | "open" | "shredded">;
}

export interface OpeningDeps extends UnseenDeps {
  readonly raiseHoney: RaiseHoney;
}

/** `shredded`: patients whose rows were left out, as their keys were destroyed. */
export type LivingOpened =
  | {
      readonly ok: true;
      readonly value: readonly OpenedRow[];
      readonly shredded: ReadonlySet<Compartment>;
    }
  | Extract<Opening, { ok: false }>;

const keyName = (compartment: Compartment, dekVersion: number): string =>
  `${compartment} ${dekVersion}`;

interface Keys {
  readonly of: ReadonlyMap<string, DataKey>;
  /** Compartments that have no keys any more, and never will. */
  readonly shredded: ReadonlySet<Compartment>;
}

const noneShredded: ReadonlySet<Compartment> = new Set();

async function keysFor(
  rows: readonly StoredRow[],
  vault: UnseenDeps["vault"],
): Promise<Result<Keys>> {
  const keys = new Map<string, DataKey>();
  const missing = new Set<Compartment>();
  let last: StoredRow | null = null;
  for (const row of rows) {
    const { compartment, dekVersion } = row;
    // Rows of one record mostly stand together, under one key.
    if (last?.compartment === compartment && last.dekVersion === dekVersion) continue;
    last = row;
    const key = vault.cached(compartment, dekVersion);
    if (key === null) missing.add(compartment);
    else keys.set(keyName(compartment, dekVersion), key);
  }
  if (missing.size === 0) return ok({ of: keys, shredded: noneShredded });
  // Newest keys first, many in one request; older versions are few and come one by one.
  const fetched = await vault.keys([...missing]);
  if (!fetched.ok) return fetched;
  for (const key of fetched.value.values()) keys.set(keyName(key.compartment, key.dekVersion), key);
  const absent = [...missing].filter((compartment) => !fetched.value.has(compartment));
  const gone = absent.length === 0 ? ok(noneShredded) : await vault.shredded(absent);
  if (!gone.ok) return gone;
  for (const { compartment, dekVersion } of rows) {
    const name = keyName(compartment, dekVersion);
    if (keys.has(name) || gone.value.has(compartment)) continue;
    const key = await vault.keyAt(compartment, dekVersion);
    if (!key.ok) return key;
    keys.set(name, key.value);
  }
  return ok({ of: keys, shredded: gone.value });
}

/** What we sealed, we had validated; the seal shows that it is what we sealed. */
function readSealed(text: string): Resource | null {
  return text === "" ? null : (JSON.parse(text) as Resource);
}

function openedRow(row: StoredRow, plain: string): OpenedRow {
  const { text, isHoney } = readMarked(plain);
  let value: Resource | null | undefined;
  return {
    row,
    text,
    isHoney,
    get value() {
      value ??= readSealed(text);
      return value;
    },
  };
}

function openWith(
  keys: ReadonlyMap<string, DataKey>,
  rows: readonly StoredRow[],
  { tenant, vault }: UnseenDeps,
): Opening {
  const opened: OpenedRow[] = [];
  for (const row of rows) {
    const { compartment, type, id, version, dekVersion, sealed } = row;
    const key = keys.get(keyName(compartment, dekVersion));
    const place = { tenant, compartment, type, id, version, dekVersion };
    const plain = key === undefined ? null : vault.open(key, place, sealed);
    if (plain === null) return { ok: false, problem: problem("record-damaged"), row };
    opened.push(openedRow(row, plain.toString("utf8")));
  }
  return ok(opened);
}

/**
 * Opens rows, each under its own compartment's key, for the process itself: nobody is shown them,
 * so that honey raises no signal. Fails as "key-unavailable", as "record-shredded" when one is of a
 * patient whose keys were destroyed, or as "record-damaged" when one of them is not what was sealed
 * for its very place.
 */
export async function openUnseen(rows: readonly StoredRow[], deps: UnseenDeps): Promise<Opening> {
  const keys = await keysFor(rows, deps.vault);
  if (!keys.ok) return { ...keys, row: null };
  const gone = rows.find(({ compartment }) => keys.value.shredded.has(compartment));
  return gone === undefined
    ? openWith(keys.value.of, rows, deps)
    : { ok: false, problem: problem("record-shredded"), row: gone };
}

async function raised<O extends Opening>(
  opening: O,
  by: Visit | null,
  { raiseHoney }: OpeningDeps,
): Promise<O | Extract<Opening, { ok: false }>> {
  if (!opening.ok) return opening;
  const honey = opening.value.filter(({ isHoney }) => isHoney);
  if (honey.length === 0) return opening;
  const told = await raiseHoney(
    honey.map(({ row }) => row),
    by,
  );
  return told.ok ? opening : { ...told, row: null };
}

/**
 * Opens rows to show them, as `openUnseen` does and fails; honey among them is told to the log first,
 * with the visit that opens it, and whatever that fails with.
 */
export async function openRows(
  rows: readonly StoredRow[],
  deps: OpeningDeps,
  by: Visit | null,
): Promise<Opening> {
  return raised(await openUnseen(rows, deps), by, deps);
}

/** As `openRows`, but leaves out what is of patients whose keys were destroyed, and names them. */
export async function openLiving(
  rows: readonly StoredRow[],
  deps: OpeningDeps,
  by: Visit | null,
): Promise<LivingOpened> {
  const keys = await keysFor(rows, deps.vault);
  if (!keys.ok) return { ...keys, row: null };
  const { shredded } = keys.value;
  const living = rows.filter(({ compartment }) => !shredded.has(compartment));
  const opening = await raised(openWith(keys.value.of, living, deps), by, deps);
  return opening.ok ? { ...opening, shredded } : opening;
}
