import { createSigner, createVerifier } from "#audit/note.ts";
import { deviceReportPage } from "#breach/device-report-page.ts";
import { deviceReport, type DeviceQuestion, type DeviceReport } from "#breach/device-report.ts";
import { signFiles, verifyFiles, type FilesVerdict } from "#breach/signed-files.ts";
import { systemClock } from "#core/clock.ts";
import type { Result } from "#core/result.ts";
import { openDatabase } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { connectionOf } from "#assembly/database.ts";
import type { Home, Settings } from "#assembly/home.ts";
import { logOrigin, logPrivateKey, logPublicKey } from "#assembly/log-keys.ts";

/** A report as its files: for machines, for people, and the note that signs both. */
export interface ReportFiles {
  readonly report: DeviceReport;
  /** By name; the note's ends in `.note`. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Makes the report from the log and signs it with the log's key. Fails as storage-unavailable. */
export async function makeDeviceReport(
  home: Home,
  settings: Settings,
  question: DeviceQuestion,
): Promise<Result<ReportFiles>> {
  const connection = connectionOf(home, "phylax_auditor");
  const db = openDatabase({ connection, tenant: settings.tenant, maxConnections: 1 });
  try {
    return await attempt(async () => {
      const report = await deviceReport(question, { db, clock: systemClock });
      const name = `device-${question.devices[0] ?? "none"}`;
      const files = new Map([
        [`${name}.json`, Buffer.from(`${JSON.stringify(report, null, 2)}\n`)],
        [`${name}.html`, Buffer.from(deviceReportPage(report))],
      ]);
      const signer = createSigner(logPrivateKey(home, "records"), logOrigin(settings, "records"));
      const note = Buffer.from(signFiles(files, signer));
      return { report, files: new Map([...files, [`${name}.note`, note]]) };
    });
  } finally {
    await db.close();
  }
}

/** Checks a note against this deployment's log key, and the files that it names. */
export function verifyDeviceReport(
  home: Home,
  settings: Settings,
  note: string,
  read: (name: string) => Buffer | null,
): Promise<FilesVerdict> {
  const origin = logOrigin(settings, "records");
  return verifyFiles(note, read, [createVerifier(logPublicKey(home, "records"), origin)]);
}
