import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { SearchPlan } from "#records/fhir/search.ts";
import type { Allowed } from "#records/search-scope.ts";
import { storeLimits, type RecordStore, type SearchedRow } from "#records/store.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

export interface RowsDeps {
  readonly store: RecordStore;
  readonly vault: Vault;
}

/** Every key under which rows of this compartment may carry tokens; none when it has no record. */
async function indexKeys(
  compartment: Compartment,
  vault: Vault,
): Promise<Result<readonly DataKey[]>> {
  const newest = await vault.keys([compartment]);
  if (!newest.ok) return newest;
  const key = newest.value.get(compartment);
  if (key === undefined) return ok([]);
  // Version 1 is the first, so there are no others to look for.
  return key.dekVersion === 1 ? ok([key]) : vault.allKeys(compartment);
}

/** Null when the compartment has no key. */
async function rowsIn(
  { store, vault }: RowsDeps,
  plan: SearchPlan,
  compartment: Compartment,
): Promise<Result<readonly SearchedRow[] | null>> {
  const keys = await indexKeys(compartment, vault);
  if (!keys.ok) return keys;
  if (keys.value.length === 0) return ok(null);
  const tokens = plan.labels.map((labels) =>
    keys.value.flatMap((key) => labels.map((label) => vault.token(key, label))),
  );
  return store.search(plan.type, compartment, tokens);
}

export interface FoundRows {
  readonly rows: readonly SearchedRow[];
  /** Patients in whose records nothing can be looked for any more. */
  readonly shredded: ReadonlySet<Compartment>;
}

const noneShredded: ReadonlySet<Compartment> = new Set();

/** A list of patients is read in one go and filtered once open: each has a key of her own to make tokens with. */
const fewCompartments = 4;

function mayMatch({ ids, lastUpdated }: SearchPlan, row: SearchedRow): boolean {
  if (ids !== null && !ids.includes(row.id)) return false;
  if (lastUpdated === null) return true;
  return row.lastUpdated >= lastUpdated.from && row.lastUpdated <= lastUpdated.to;
}

async function candidates(
  deps: RowsDeps,
  plan: SearchPlan,
  allowed: readonly Allowed[],
): Promise<Result<FoundRows>> {
  const patients = allowed.flatMap(({ compartment }) =>
    compartment === "organisation" ? [] : [compartment],
  );
  const isList = patients.length > fewCompartments;
  const across = isList ? await deps.store.searchAcross(plan.type, patients) : ok([]);
  if (!across.ok) return across;
  const rows: SearchedRow[] = [...across.value];
  const keyless: Compartment[] = [];
  for (const { compartment } of allowed) {
    if (isList && compartment !== "organisation") continue;
    const found = await rowsIn(deps, plan, compartment);
    if (!found.ok) return found;
    if (found.value === null) keyless.push(compartment);
    else rows.push(...found.value);
  }
  if (rows.length > storeLimits.searchRows)
    return refuse("parameter-invalid", { detail: "The search finds too much; narrow it." });
  if (keyless.length === 0) return ok({ rows, shredded: noneShredded });
  const shredded = await deps.vault.shredded(keyless);
  return shredded.ok ? ok({ rows, shredded: shredded.value }) : shredded;
}

/** Rows in these compartments that may answer the plan, too many rather than too few. */
export async function candidateRows(
  deps: RowsDeps,
  plan: SearchPlan,
  {
    compartments,
    rows,
  }: { readonly compartments: readonly Allowed[]; readonly rows: readonly SearchedRow[] | null },
): Promise<Result<FoundRows>> {
  const found =
    rows === null
      ? await candidates(deps, plan, compartments)
      : ok({ rows, shredded: noneShredded });
  if (!found.ok || (plan.ids === null && plan.lastUpdated === null)) return found;
  return ok({ ...found.value, rows: found.value.rows.filter((row) => mayMatch(plan, row)) });
}
