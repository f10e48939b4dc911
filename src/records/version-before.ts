import type { Resource } from "@medplum/fhirtypes";
import { ok, type Result } from "#core/result.ts";
import type { Problem } from "#core/problem.ts";
import { openUnseen, type UnseenDeps } from "#records/opening.ts";
import type { Wanted } from "#records/read.ts";
import type { RecordStore, StoredRow } from "#records/store.ts";
import type { Visit } from "#records/visit.ts";

/** What a write replaces. */
export interface Before {
  /** Null where there is nothing. */
  readonly value: Resource | null;
  /** 0 where there is none yet; null where none can be, as the id is new. */
  readonly version: number | null;
}

export interface BeforeDeps extends UnseenDeps {
  readonly store: Pick<RecordStore, "find" | "version">;
}

type Unopened = {
  readonly ok: false;
  readonly problem: Problem;
  readonly row: StoredRow | null;
};

const withoutRow = (result: Extract<Result<never>, { ok: false }>): Unopened => ({
  ...result,
  row: null,
});

/**
 * What stands in a row, or stood there before it was deleted: who brings it back must not bring it
 * back without its labels. Nobody is shown it. Fails as openUnseen does.
 */
export async function openBefore(
  deps: BeforeDeps,
  { asker }: Pick<Visit, "asker">,
  row: StoredRow,
): Promise<{ readonly ok: true; readonly value: Resource | null } | Unopened> {
  let living = row;
  if (row.deleted) {
    const { type, id, version } = row;
    const found = await deps.store.version({ type, id, version: version - 1 }, asker);
    if (!found.ok) return withoutRow(found);
    const [last] = found.value.rows;
    if (last === undefined) return ok(null);
    living = last;
  }
  const opened = await openUnseen([living], deps);
  return opened.ok ? ok(opened.value[0]?.value ?? null) : opened;
}

/** What a PUT would replace, with one look-up. */
export async function findBefore(
  deps: BeforeDeps,
  visit: Pick<Visit, "asker">,
  { type, id }: Wanted,
): Promise<{ readonly ok: true; readonly value: Before } | Unopened> {
  const found = await deps.store.find(type, id, visit.asker);
  if (!found.ok) return withoutRow(found);
  const [row] = found.value.rows;
  if (row === undefined) return ok({ value: null, version: 0 });
  const opened = await openBefore(deps, visit, row);
  return opened.ok ? ok({ value: opened.value, version: row.version }) : opened;
}
