import { problem, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { createRebuilder, rebuildStep, type RebuildDeps } from "#records/blind/rebuild.ts";
import {
  beginBuild,
  countPatients,
  newestBuild,
  readSetting,
  type BlindSetting,
  type BuildProgress,
} from "#records/blind/setting-store.ts";
import { patientsLeast, widthsFor } from "#records/blind/widths.ts";
import { blindRules } from "#records/fhir/blind-labels.ts";
import { attempt } from "#storage/storage-problem.ts";
import { blindIndexes } from "#vault/blind-index.ts";
import type { Vault } from "#vault/vault.ts";

/** A version made for this many times fewer patients is built anew at the next start. */
const outgrownTimes = 16;

export interface MaintenanceDeps extends RebuildDeps {
  readonly vault: RebuildDeps["vault"] & Pick<Vault, "keys">;
  readonly onFault: (error: unknown) => void;
}

/** How the newest build stands, and what holds it up. */
export interface RebuildReport extends BuildProgress {
  readonly obstacle: Problem | null;
}

export interface BlindMaintenance {
  /** Begins the next version of all indexes, unless one is being built; answers whether it began one. */
  rebuild(): Promise<Result<boolean>>;
  progress(): Promise<Result<RebuildReport>>;
  close(): Promise<void>;
}

async function begin(deps: MaintenanceDeps): Promise<Result<boolean>> {
  const keys = await deps.vault.keys(["organisation"]);
  if (!keys.ok) return keys;
  const key = keys.value.get("organisation");
  if (key === undefined) return failed(problem("key-unavailable"));
  return attempt(() =>
    deps.db.transaction(async (tx) => {
      const total = await countPatients(tx);
      const made = { dekVersion: key.dekVersion, rules: blindRules, bits: widthsFor(total), total };
      return beginBuild(tx, made);
    }),
  );
}

/** Whether what is searched was made by other rules than ours, or for far fewer patients. */
function isOutdated({ current }: BlindSetting, built: BuildProgress | null, now: number): boolean {
  if (current === null || current.rules !== blindRules) return true;
  if (current.bits.length !== blindIndexes.length) return true;
  return now > outgrownTimes * Math.max(built?.total ?? 0, patientsLeast);
}

/** Goes on with a build that was cut off, and begins one where the index is missing or outdated. */
async function catchUp(deps: MaintenanceDeps): Promise<Result<null>> {
  const setting = await attempt(() => readSetting(deps.db));
  if (!setting.ok) return setting;
  if (setting.value.building !== null) return ok(null);
  const built = await newestBuild(deps.db);
  if (!built.ok) return built;
  const patients = await attempt(() => countPatients(deps.db));
  if (!patients.ok) return patients;
  if (!isOutdated(setting.value, built.value, patients.value)) return ok(null);
  const begun = await begin(deps);
  return begun.ok ? ok(null) : begun;
}

/**
 * Opens the upkeep of the blind indexes: whatever is missing is built in the background, while
 * searches go by what there is. Fails as reading the database or fetching the organisation's key does.
 */
export async function openMaintenance(deps: MaintenanceDeps): Promise<Result<BlindMaintenance>> {
  const caughtUp = await catchUp(deps);
  if (!caughtUp.ok) return caughtUp;
  // Without a Patient this is all there is to do, and the first one is found at once.
  const first = await rebuildStep(deps);
  if (!first.ok && first.problem.code === "storage-unavailable") return first;
  const rebuilder = createRebuilder(deps, deps.onFault);
  rebuilder.kick();
  return ok({
    rebuild: async () => {
      const begun = await begin(deps);
      rebuilder.kick();
      return begun;
    },
    progress: async () => {
      const built = await newestBuild(deps.db);
      if (!built.ok) return built;
      if (built.value === null) return failed(problem("not-found"));
      const { version, done, total, ended } = built.value;
      return ok({ version, done, total, ended, obstacle: rebuilder.obstacle() });
    },
    close: () => rebuilder.close(),
  });
}
