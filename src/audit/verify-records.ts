import { hash } from "node:crypto";
import type { AuditEntry } from "#core/audit-entry.ts";
import { ok, type Result } from "#core/result.ts";
import type { Queryable } from "#storage/database.ts";
import { maxSpillParts, openSpill, type Spill } from "#storage/spill.ts";
import { attempt } from "#storage/storage-problem.ts";
import { createFindings } from "#audit/finding.ts";
import { compareVersions, type RecordFinding } from "#audit/record-finding.ts";
import { storedLine, writtenLine, type NamedLine } from "#audit/record-line.ts";
import { findLog } from "#audit/verify-store.ts";
import { readTail } from "#audit/log-store.ts";
import { verifyLog, type Verification, type VerifyOptions } from "#audit/verify.ts";
import { estimateVersions, storedVersions } from "#audit/verify-records-store.ts";

export interface VerifyRecordsOptions extends Omit<VerifyOptions, "db" | "onEntry"> {
  /** The role phylax_auditor, in one snapshot (`inSnapshot`): log and rows must be of one moment. */
  readonly db: Queryable;
  /** An existing folder, where names and hashes of rows lie while the work goes on. */
  readonly scratch: string;
  readonly onRows: (progress: { readonly rows: number; readonly of: number }) => void;
}

export interface RecordsVerification {
  /** Stored versions that were looked at. */
  readonly rows: number;
  /** Entries that name a version and the hash of what was written. */
  readonly writes: number;
  readonly findings: readonly RecordFinding[];
  /** Findings beyond maxRecordFindings are only counted. */
  readonly findingCount: number;
}

/** Findings that a verification lists. */
export const maxRecordFindings = 1_000;

/** Entries, and as many rows again, that one part of the comparison holds in memory. */
const linesAPart = 100_000;

/** The same part for all that is said of one resource. */
function partOf({ type, id }: NamedLine, parts: number): number {
  return hash("sha256", `${type}/${id}`, "buffer").readUInt32LE(0) % parts;
}

interface Work {
  readonly options: VerifyRecordsOptions;
  readonly spill: Spill;
}

function keep(spill: Spill, found: NamedLine): void {
  spill.add(partOf(found, spill.parts), found.line);
}

/** Proves the log and keeps what it says was written. */
async function readLog({ options, spill }: Work) {
  let writes = 0;
  const onEntry = (entry: AuditEntry): void => {
    const written = writtenLine(entry);
    if (written === null) return;
    writes += 1;
    keep(spill, written);
  };
  const log = await verifyLog({
    ...options,
    onEntry,
    onProgress: async (progress) => {
      await options.onProgress(progress);
      await spill.settle();
    },
  });
  return { log, writes };
}

async function readRows({ options, spill }: Work): Promise<number> {
  const estimate = await estimateVersions(options.db);
  let rows = 0;
  for await (const page of storedVersions(options.db)) {
    for (const version of page) keep(spill, storedLine(version));
    await spill.settle();
    rows += page.length;
    options.onRows({ rows, of: Math.max(rows, estimate) });
  }
  return rows;
}

async function compareAll(
  spill: Spill,
): Promise<Pick<RecordsVerification, "findings" | "findingCount">> {
  const findings = createFindings<RecordFinding>(maxRecordFindings);
  for (let part = 0; part < spill.parts; part += 1)
    compareVersions(await spill.read(part), (finding) => findings.add(finding));
  return { findings: findings.kept, findingCount: findings.count };
}

/** Parts that each fit into memory, whichever there is more of: what was written or what is stored. */
async function partsFor({ db, origin }: VerifyRecordsOptions): Promise<number> {
  const logId = await findLog(db, origin);
  const { entries } = logId === null ? { entries: 0 } : await readTail(db, logId);
  const lines = Math.max(entries, await estimateVersions(db));
  return Math.min(maxSpillParts, Math.max(1, Math.ceil(lines / linesAPart)));
}

async function verifyBoth(work: Work): Promise<Result<ProvenRecords>> {
  const { log, writes } = await readLog(work);
  if (!log.ok) return log;
  const rows = await readRows(work);
  return ok({ log: log.value, records: { rows, writes, ...(await compareAll(work.spill)) } });
}

export interface ProvenRecords {
  readonly log: Verification;
  /** Says nothing where the log itself is not as signed: an entry that was changed proves no row. */
  readonly records: RecordsVerification;
}

/**
 * Proves the log as verifyLog does, and that the stored versions of all resources are those that
 * were written last, none missing and none besides. Memory grows with neither: what does not fit
 * waits in files. Fails as verifyLog does, or as storage-full when the scratch folder is full.
 */
export async function verifyRecords(options: VerifyRecordsOptions): Promise<Result<ProvenRecords>> {
  const proven = await attempt(async () => {
    const spill = await openSpill(options.scratch, await partsFor(options));
    try {
      return await verifyBoth({ options, spill });
    } finally {
      await spill.remove();
    }
  });
  return proven.ok ? proven.value : proven;
}
