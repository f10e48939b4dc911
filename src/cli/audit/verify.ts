import { dirname } from "node:path";
import { checkKeyLog } from "#cli/audit/key-log.ts";
import { connectionOf } from "#assembly/database.ts";
import type { Home, Settings } from "#assembly/home.ts";
import { logOrigin, logPublicKey, logWriters, type LogWriter } from "#assembly/log-keys.ts";
import { createVerifier } from "#audit/note.ts";
import {
  verifyRecords,
  type ProvenRecords,
  type RecordsVerification,
} from "#audit/verify-records.ts";
import { verifyLog, type Verification, type VerifyOptions } from "#audit/verify.ts";
import { progressBar } from "#cli/progress.ts";
import type { Terminal } from "#cli/terminal.ts";
import { ok, type Result } from "#core/result.ts";
import type { KeyLogReport } from "#keys/key-log.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { inSnapshot } from "#storage/snapshot.ts";
import { attempt } from "#storage/storage-problem.ts";

export interface VerifyAsked {
  readonly home: Home;
  readonly settings: Settings;
  /** Signed checkpoints that were kept elsewhere. */
  readonly remembered: readonly string[];
  readonly withRecords: boolean;
  readonly terminal: Terminal;
}

export interface Verified {
  readonly logs: readonly Verification[];
  /** Null when the rows were not asked for. */
  readonly records: RecordsVerification | null;
  /** Null when the keys are on another machine. */
  readonly keyLog: KeyLogReport | null;
}

export function isWhole({ logs, records, keyLog }: Verified): boolean {
  const counts = [...logs.map(({ findingCount }) => findingCount), records?.findingCount ?? 0];
  return counts.every((count) => count === 0) && (keyLog?.findings.length ?? 0) === 0;
}

/** The log whose entries say which rows were written. */
const writerOfRecords: LogWriter = "records";

/**
 * Proves every log of the deployment, that of the keys process too, and the stored rows if wanted.
 * Fails as verifyRecords does.
 */
export async function verifyAll(asked: VerifyAsked): Promise<Result<Verified>> {
  const db = openDatabase({
    connection: connectionOf(asked.home, "phylax_auditor"),
    tenant: asked.settings.tenant,
    maxConnections: 2,
  });
  try {
    return await verifyEach(asked, db);
  } finally {
    await db.close();
  }
}

async function verifyEach(asked: VerifyAsked, db: Database): Promise<Result<Verified>> {
  const logs: Verification[] = [];
  let records: RecordsVerification | null = null;
  for (const writer of logWriters) {
    if (asked.withRecords && writer === writerOfRecords) {
      const proven = await withRows(asked, writer, db);
      if (!proven.ok) return proven;
      logs.push(proven.value.log);
      records = proven.value.records;
      continue;
    }
    const found = await withBar(asked, writer, (options) => verifyLog({ ...options, db }));
    if (!found.ok) return found;
    logs.push(found.value);
  }
  return ok({ logs, records, keyLog: await checkKeyLog(asked.home) });
}

async function withBar<T>(
  { home, settings, remembered, terminal }: VerifyAsked,
  writer: LogWriter,
  work: (options: Omit<VerifyOptions, "db">) => Promise<T>,
): Promise<T> {
  const origin = logOrigin(settings, writer);
  const bar = progressBar(terminal, `Log of ${writer}`);
  try {
    return await work({
      origin,
      verifiers: [createVerifier(logPublicKey(home, writer), origin)],
      onProgress: ({ entries, of }) => {
        bar.update(entries, of);
        if (entries === of) bar.stop();
      },
      remembered: remembered.filter((note) => note.startsWith(`${origin}\n`)),
    });
  } finally {
    bar.stop();
  }
}

/** The log and the rows as they are at one moment, so that what goes on meanwhile is not mistaken for tampering. */
async function withRows(
  asked: VerifyAsked,
  writer: LogWriter,
  db: Database,
): Promise<Result<ProvenRecords>> {
  const scratch = dirname(asked.home.file("scratch", "part"));
  const bar = progressBar(asked.terminal, "Stored records");
  const proven = await attempt(() =>
    withBar(asked, writer, (options) =>
      inSnapshot(db, (on) =>
        verifyRecords({
          ...options,
          db: on,
          scratch,
          onRows: ({ rows, of }) => bar.update(rows, of),
        }),
      ),
    ),
  );
  bar.stop();
  return proven.ok ? proven.value : proven;
}
