import { join } from "node:path";
import { systemClock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { connectionOf } from "#assembly/database.ts";
import { readSettings, type Home } from "#assembly/home.ts";
import { backUp, backupName, removeOlderBackups, type Backup } from "#assembly/key-life/backup.ts";
import { recordsDesk } from "#assembly/key-life/desk.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";
import { takeWorkLock, type WorkLock } from "#assembly/key-life/work-lock.ts";
import { workNotes } from "#assembly/key-life/work-notes.ts";
import { askStatus } from "#assembly/only-one.ts";
import { openOperator } from "#assembly/operator.ts";

export interface OpenLife {
  readonly life: KeyLife;
  /** Takes the right to change keys. Fails with "key-work-running" when another command has it. */
  lock(): Promise<Result<WorkLock>>;
  /** Writes a backup to this path, or under a name of its own into the backup folder, and logs it. */
  backUpTo(path: string | null): Promise<Result<Backup>>;
  close(): Promise<void>;
}

export interface LifeChoice {
  /** The name that stands in the log. */
  readonly officer: string;
  /** Where backups go; null for a folder in the home. */
  readonly backupFolder: string | null;
}

/** A reader, three writers, and the backup's pages. */
const maxConnections = 5;

/**
 * Everything that work on the keys of a running deployment needs. Fails with
 * "upstream-unavailable" when none runs on this home.
 */
export async function openLife(home: Home, choice: LifeChoice): Promise<Result<OpenLife>> {
  const settings = readSettings(home);
  if (settings === null || (await askStatus(home)) === null)
    return refuse("upstream-unavailable", {
      detail: "Phylax does not run on this home. Start it with: npm start",
    });
  const { tenant } = settings;
  const connection = connectionOf(home, "phylax_keeper");
  const open = (connections: number): Database =>
    openDatabase({ connection, tenant, maxConnections: connections });
  const db = open(maxConnections);
  const operator = await openOperator(home, choice.officer);
  const { keys } = operator;
  const folder = choice.backupFolder ?? join(home.path, "key-backups");
  const source = { db, keys, tenant, clock: systemClock, keysFolder: join(home.path, "keys") };
  const desk = recordsDesk(operator);
  const backUpTo: OpenLife["backUpTo"] = async (path) => {
    const made = await backUp(source, path ?? join(folder, backupName(source)));
    if (!made.ok) return made;
    const reasons = [`sha256-${made.value.sha256}`];
    const count = made.value.keys;
    const logged = await desk.log({ action: "key-backup", patient: null, reasons, count });
    return logged.ok ? made : logged;
  };
  const life: KeyLife = {
    ...source,
    desk,
    notes: workNotes(home),
    backUp: async () => {
      const made = await backUpTo(null);
      return made.ok ? ok(made.value.path) : made;
    },
    removeOldBackups: removeOlderBackups,
  };
  return ok({
    life,
    lock: () => takeWorkLock(open(1)),
    backUpTo,
    close: async () => {
      await operator.close();
      await db.close();
    },
  });
}
