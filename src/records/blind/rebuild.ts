import { setTimeout as wait } from "node:timers/promises";
import { problem, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { holdUnchanged, patientsAfter } from "#records/blind/patient-store.ts";
import { deleteEntries, insertEntries, type BlindEntry } from "#records/blind/row-store.ts";
import {
  advanceBuild,
  dropOld,
  endBuild,
  holdBuild,
  holdSetting,
  newestBuild,
  readSetting,
  type BuildState,
  type Generation,
} from "#records/blind/setting-store.ts";
import { blindLabels } from "#records/fhir/blind-labels.ts";
import { openUnseen, type OpenedRow, type UnseenDeps } from "#records/opening.ts";
import type { StoredRow } from "#records/store.ts";
import type { Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

export const rebuildLimits = {
  /** Patients opened and indexed at once: each takes a tenth of a millisecond of others' time. */
  patientsPerBatch: 100,
  /** Between batches, so that requests get their turn. */
  pauseMs: 5,
  /** After a failure: the keys process may be away, or its brake may hold us back. */
  retryMs: 15_000,
  /** Rows of an old version dropped in one statement. */
  rowsPerDrop: 5_000,
} as const;

export interface RebuildDeps extends UnseenDeps {
  readonly db: Database;
}

/** "more": a batch was indexed; "ended": there is nothing to build. */
type Step = "more" | "ended";

/**
 * Those that open; what is damaged or shredded is left out, and found by nobody. Honey is indexed
 * as it was when it was laid, or the lack of rows would give it away.
 */
async function openSome(
  rows: readonly StoredRow[],
  deps: RebuildDeps,
): Promise<Result<readonly OpenedRow[]>> {
  const opening = await openUnseen(rows, deps);
  if (opening.ok) return opening;
  const { row } = opening;
  if (row === null) return failed(opening.problem);
  return openSome(
    rows.filter((each) => each !== row),
    deps,
  );
}

function entriesOf(
  opened: readonly OpenedRow[],
  held: readonly StoredRow[],
): readonly BlindEntry[] {
  const unchanged = new Set(held);
  return opened.flatMap(({ row, value }): BlindEntry[] => {
    const { compartment } = row;
    if (compartment === "organisation" || value === null || !unchanged.has(row)) return [];
    return [{ compartment, labels: blindLabels(value) }];
  });
}

async function index(
  deps: RebuildDeps,
  generation: Generation,
  state: BuildState,
  rows: readonly StoredRow[],
): Promise<Result<null>> {
  const key = await deps.vault.keyAt("organisation", generation.dekVersion);
  if (!key.ok) return key;
  const opened = await openSome(rows, deps);
  if (!opened.ok) return opened;
  const { version } = generation;
  const after = rows.at(-1)?.id ?? state.after;
  return attempt(() =>
    deps.db.transaction(async (tx) => {
      const now = await holdBuild(tx, version);
      // Another process was faster with this batch.
      if (now === null || now.ended || now.after !== state.after) return null;
      // Whoever changed a Patient since we read her has written this version's rows, too.
      const held = await holdUnchanged(
        tx,
        opened.value.map(({ row }) => row),
      );
      await holdSetting(tx);
      const entries = entriesOf(opened.value, held);
      await deleteEntries(
        tx,
        entries.map(({ compartment }) => compartment),
        version,
      );
      await insertEntries(tx, generation, key.value, entries);
      await advanceBuild(tx, { version, after, count: rows.length });
      return null;
    }),
  );
}

/** Builds one batch of the version under construction, or ends it when no Patient is left. */
export async function rebuildStep(deps: RebuildDeps): Promise<Result<Step>> {
  const setting = await attempt(() => readSetting(deps.db));
  if (!setting.ok) return setting;
  const { building } = setting.value;
  if (building === null) return ok("ended");
  const state = await newestBuild(deps.db);
  if (!state.ok) return state;
  if (state.value?.version !== building.version) return failed(problem("edit-conflict"));
  const { after } = state.value;
  const rows = await attempt(() => patientsAfter(deps.db, after, rebuildLimits.patientsPerBatch));
  if (!rows.ok) return rows;
  if (rows.value.length > 0) {
    const done = await index(deps, building, state.value, rows.value);
    return done.ok ? ok("more") : done;
  }
  const ended = await attempt(() =>
    deps.db.transaction(async (tx) => {
      const now = await holdBuild(tx, building.version);
      if (now?.after === after && !now.ended) await endBuild(tx, building.version);
      return null;
    }),
  );
  return ended.ok ? ok("more") : ended;
}

/** Drops what no search asks for any more, a little at a time. */
async function dropAll(deps: RebuildDeps, stopped: () => boolean): Promise<Result<null>> {
  for (;;) {
    if (stopped()) return ok(null);
    const dropped = await attempt(() => dropOld(deps.db, rebuildLimits.rowsPerDrop));
    if (!dropped.ok) return dropped;
    if (dropped.value === 0) return ok(null);
    await wait(rebuildLimits.pauseMs);
  }
}

export interface Rebuilder {
  /** Goes on in the background with whatever is under construction; does nothing while it does so. */
  kick(): void;
  /** Why it does not get on at the moment; null when it does. */
  obstacle(): Problem | null;
  /** Resolves when the batch under way is done; the rest is done after the next start. */
  close(): Promise<void>;
}

/** Throws nothing: a fault of the program is told to `onFault`, and the work tried again later. */
export function createRebuilder(deps: RebuildDeps, onFault: (error: unknown) => void): Rebuilder {
  const closing = new AbortController();
  const stopped = (): boolean => closing.signal.aborted;
  let held: Problem | null = null;
  let running: Promise<void> | null = null;

  const step = async (): Promise<Result<Step>> => {
    try {
      return await rebuildStep(deps);
    } catch (error) {
      onFault(error);
      return failed(problem("unexpected"));
    }
  };
  const pause = (ms: number): Promise<void> =>
    wait(ms, undefined, { signal: closing.signal, ref: false }).catch(() => {});
  const run = async (): Promise<void> => {
    while (!stopped()) {
      const done = await step();
      const dropped = done.ok && done.value === "ended" ? await dropAll(deps, stopped) : ok(null);
      if (done.ok && dropped.ok && done.value === "ended") break;
      held = done.ok ? (dropped.ok ? null : dropped.problem) : done.problem;
      await pause(held === null ? rebuildLimits.pauseMs : rebuildLimits.retryMs);
    }
    held = null;
  };
  return {
    kick: () => {
      if (stopped()) return;
      running ??= run().finally(() => {
        running = null;
      });
    },
    obstacle: () => held,
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
