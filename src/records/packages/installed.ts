import { ok, type Result } from "#core/result.ts";
import { conformanceOf, type Conformance } from "#records/fhir/conformance.ts";
import { readDefinitions, readGeneration } from "#records/packages/package-store.ts";
import type { Queryable } from "#storage/database.ts";

/** How soon this process learns of a package that another one installed. */
export const packagePollMs = 5_000;

/** The installed packages, as this process knows them. */
export interface InstalledPackages {
  /** What is known beyond R4 now. */
  readonly current: () => Conformance;
  /** Takes in at once what was installed since. */
  readonly refresh: () => Promise<Result<null>>;
  readonly close: () => void;
}

/** Reads what is installed and keeps up with it. Fails as reading the database does. */
export async function openInstalledPackages(db: Queryable): Promise<Result<InstalledPackages>> {
  let conformance = conformanceOf([]);
  let known: string | null = null;
  const refresh = async (): Promise<Result<null>> => {
    // Read before the definitions: what is installed in between is taken in once more.
    const generation = await readGeneration(db);
    if (!generation.ok) return generation;
    if (generation.value === known) return ok(null);
    const definitions = await readDefinitions(db);
    if (!definitions.ok) return definitions;
    conformance = conformanceOf(definitions.value);
    known = generation.value;
    return ok(null);
  };
  const first = await refresh();
  if (!first.ok) return first;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    if (closed) return;
    // A poll that fails leaves what was known; the next one finds out.
    const poll = (): void =>
      void refresh()
        .catch(() => {})
        .finally(again);
    timer = setTimeout(poll, packagePollMs);
    timer.unref();
  };
  again();
  return ok({
    current: () => conformance,
    refresh,
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  });
}
