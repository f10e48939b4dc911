import type { Result } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { BlindVersion } from "#vault/blind-index.ts";

/** A version with the rules by which its labels are made. */
export interface Generation extends BlindVersion {
  readonly rules: number;
}

/** Which versions there are to search and to write. */
export interface BlindSetting {
  readonly current: Generation | null;
  readonly building: Generation | null;
}

interface SettingRow {
  readonly current_version: number | null;
  readonly current_dek: number | null;
  readonly current_rules: number | null;
  readonly current_bits: readonly number[] | null;
  readonly building_version: number | null;
  readonly building_dek: number | null;
  readonly building_rules: number | null;
  readonly building_bits: readonly number[] | null;
}

type Columns = readonly [number | null, number | null, number | null, readonly number[] | null];

function generationOf([version, dekVersion, rules, bits]: Columns): Generation | null {
  if (version === null || dekVersion === null || rules === null || bits === null) return null;
  return { version, dekVersion, rules, bits };
}

function settingOf(row: SettingRow | undefined): BlindSetting {
  if (row === undefined) return { current: null, building: null };
  return {
    current: generationOf([
      row.current_version,
      row.current_dek,
      row.current_rules,
      row.current_bits,
    ]),
    building: generationOf([
      row.building_version,
      row.building_dek,
      row.building_rules,
      row.building_bits,
    ]),
  };
}

const settingColumns = `current_version, current_dek, current_rules, current_bits,
  building_version, building_dek, building_rules, building_bits`;

export async function readSetting(db: Queryable): Promise<BlindSetting> {
  const [row] = await db.query<SettingRow & Record<string, unknown>>({
    name: "blind-setting",
    text: `SELECT ${settingColumns} FROM records.blind_setting`,
    values: [],
  });
  return settingOf(row);
}

/** The setting, which stays as it is until the transaction ends. */
export async function holdSetting(tx: Queryable): Promise<BlindSetting> {
  const [row] = await tx.query<SettingRow & Record<string, unknown>>({
    name: "blind-setting-hold",
    text: `SELECT ${settingColumns} FROM records.blind_setting FOR SHARE`,
    values: [],
  });
  return settingOf(row);
}

/** How far a build has come. */
export interface BuildProgress {
  readonly version: number;
  /** Patients looked at. */
  readonly done: number;
  /** Patients there were when it began; others may have come since. */
  readonly total: number;
  readonly ended: boolean;
}

interface BuildRow {
  readonly version: number;
  readonly after_id: string;
  readonly done: number;
  readonly total: number;
  readonly ended: boolean;
}

export interface BuildState extends BuildProgress {
  readonly after: string;
}

const buildOf = ({ after_id: after, version, done, total, ended }: BuildRow): BuildState => ({
  version,
  after,
  done,
  total,
  ended,
});

const buildColumns = "version, after_id, done, total, ended_at IS NOT NULL AS ended";

/** The newest build, whether it runs or has ended; null when there never was one. */
export async function newestBuild(db: Queryable): Promise<Result<BuildState | null>> {
  return attempt(async () => {
    const [row] = await db.query<BuildRow & Record<string, unknown>>(
      `SELECT ${buildColumns} FROM records.blind_build ORDER BY version DESC LIMIT 1`,
    );
    return row === undefined ? null : buildOf(row);
  });
}

/** The build, held so that two processes take turns; null when there is none of this version. */
export async function holdBuild(tx: Queryable, version: number): Promise<BuildState | null> {
  const [row] = await tx.query<BuildRow & Record<string, unknown>>(
    `SELECT ${buildColumns} FROM records.blind_build WHERE version = $1 FOR UPDATE`,
    [version],
  );
  return row === undefined ? null : buildOf(row);
}

export async function countPatients(db: Queryable): Promise<number> {
  const [row] = await db.query<{ readonly patients: number }>(
    "SELECT count(*) AS patients FROM records.resource WHERE type = 'Patient' AND NOT deleted",
  );
  return row?.patients ?? 0;
}

/**
 * Begins the next version, unless one is being built: whoever writes from then on writes to it,
 * too, as this waits for all who hold the setting. Answers whether it began one.
 */
export async function beginBuild(
  tx: Queryable,
  { dekVersion, rules, bits, total }: Omit<Generation, "version"> & { readonly total: number },
): Promise<boolean> {
  await tx.query("INSERT INTO records.blind_setting DEFAULT VALUES ON CONFLICT DO NOTHING");
  const [row] = await tx.query<{ readonly version: number }>(
    `UPDATE records.blind_setting SET building_dek = $1, building_rules = $2,
       building_bits = $3::smallint[],
       building_version = (SELECT coalesce(max(version), 0) + 1 FROM records.blind_build)
     WHERE building_version IS NULL RETURNING building_version AS version`,
    [dekVersion, rules, bits],
  );
  if (row === undefined) return false;
  await tx.query(
    `INSERT INTO records.blind_build (version, after_id, done, total, started_at)
     VALUES ($1, '', 0, $2, now())`,
    [row.version, total],
  );
  return true;
}

export async function advanceBuild(
  tx: Queryable,
  { version, after, count }: { version: number; after: string; count: number },
): Promise<void> {
  await tx.query(
    "UPDATE records.blind_build SET after_id = $2, done = done + $3 WHERE version = $1",
    [version, after, count],
  );
}

/** From now on this version is searched, and no other written. */
export async function endBuild(tx: Queryable, version: number): Promise<void> {
  await tx.query(
    `UPDATE records.blind_setting SET current_version = building_version,
       current_dek = building_dek, current_rules = building_rules, current_bits = building_bits,
       building_version = NULL, building_dek = NULL, building_rules = NULL, building_bits = NULL
     WHERE building_version = $1`,
    [version],
  );
  await tx.query("UPDATE records.blind_build SET ended_at = now() WHERE version = $1", [version]);
}

/** Deletes up to `limit` rows of versions that nobody searches any more; answers how many. */
export async function dropOld(db: Queryable, limit: number): Promise<number> {
  const [row] = await db.query<{ readonly gone: number }>(
    `WITH old AS (
       SELECT ctid FROM records.blind_index
       WHERE version < (SELECT current_version FROM records.blind_setting) LIMIT $1
     ), gone AS (
       DELETE FROM records.blind_index b USING old WHERE b.ctid = old.ctid RETURNING 1
     ) SELECT count(*) AS gone FROM gone`,
    [limit],
  );
  return row?.gone ?? 0;
}
