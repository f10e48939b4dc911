import type { Resource } from "@medplum/fhirtypes";
import type { TenantId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { StoredRow } from "#records/store.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

/** A row with its seal broken. */
export interface OpenedRow {
  readonly row: StoredRow;
  readonly text: string;
  /** Null for a deletion. Read from the text when first asked for. */
  readonly value: Resource | null;
}

/** `row` is the one that does not open; null when the keys could not be had at all. */
export type Opening =
  | { readonly ok: true; readonly value: readonly OpenedRow[] }
  | { readonly ok: false; readonly problem: Problem; readonly row: StoredRow | null };

export interface OpeningDeps {
  readonly tenant: TenantId;
  readonly vault: Pick<Vault, "keys" | "keyAt" | "cached" | "open">;
}

const keyName = (compartment: Compartment, dekVersion: number): string =>
  `${compartment} ${dekVersion}`;

async function keysFor(
  rows: readonly StoredRow[],
  vault: OpeningDeps["vault"],
): Promise<Result<ReadonlyMap<string, DataKey>>> {
  const keys = new Map<string, DataKey>();
  const missing = new Set<Compartment>();
  for (const { compartment, dekVersion } of rows) {
    const key = vault.cached(compartment, dekVersion);
    if (key === null) missing.add(compartment);
    else keys.set(keyName(compartment, dekVersion), key);
  }
  if (missing.size === 0) return ok(keys);
  // Newest keys first, many in one request; older versions are few and come one by one.
  const fetched = await vault.keys([...missing]);
  if (!fetched.ok) return fetched;
  for (const key of fetched.value.values()) keys.set(keyName(key.compartment, key.dekVersion), key);
  for (const { compartment, dekVersion } of rows) {
    if (keys.has(keyName(compartment, dekVersion))) continue;
    const key = await vault.keyAt(compartment, dekVersion);
    if (!key.ok) return key;
    keys.set(keyName(compartment, dekVersion), key.value);
  }
  return ok(keys);
}

/** What we sealed, we had validated; the seal shows that it is what we sealed. */
function readSealed(text: string): Resource | null {
  return text === "" ? null : (JSON.parse(text) as Resource);
}

function openedRow(row: StoredRow, text: string): OpenedRow {
  let value: Resource | null | undefined;
  return {
    row,
    text,
    get value() {
      value ??= readSealed(text);
      return value;
    },
  };
}

/**
 * Opens rows, each under its own compartment's key. Fails as "key-unavailable", or as
 * "record-damaged" when one of them is not what was sealed for its very place.
 */
export async function openRows(
  rows: readonly StoredRow[],
  { tenant, vault }: OpeningDeps,
): Promise<Opening> {
  const keys = await keysFor(rows, vault);
  if (!keys.ok) return { ...keys, row: null };
  const opened: OpenedRow[] = [];
  for (const row of rows) {
    const { compartment, type, id, version, dekVersion, sealed } = row;
    const key = keys.value.get(keyName(compartment, dekVersion));
    const place = { tenant, compartment, type, id, version, dekVersion };
    const plain = key === undefined ? null : vault.open(key, place, sealed);
    if (plain === null) return { ok: false, problem: problem("record-damaged"), row };
    opened.push(openedRow(row, plain.toString("utf8")));
  }
  return ok(opened);
}
