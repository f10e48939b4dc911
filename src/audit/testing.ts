import { generateKeyPairSync } from "node:crypto";
import type { TestContext } from "node:test";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import { parseInstant, systemClock, type Clock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { Database, DatabaseRole } from "#storage/database.ts";
import { testDatabase, type TestDatabase } from "#storage/testing.ts";
import { createLog, type Log, type LogDeps } from "#audit/log.ts";
import {
  createSigner,
  createVerifier,
  type CheckpointSigner,
  type CheckpointVerifier,
} from "#audit/note.ts";

/** For tests only: a fresh key for a log. */
export function testKey(origin: string): {
  readonly signer: CheckpointSigner;
  readonly verifier: CheckpointVerifier;
} {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
  return { signer: createSigner(pem, origin), verifier: createVerifier(spki, origin) };
}

/** An entry of the n-th second of 2026, with whatever else a test wants said. */
export function testEntry(n: number, known: Partial<AuditEntry> = {}): AuditEntry {
  const time = parseInstant(Date.UTC(2026, 0, 1) + n * 1_000);
  invariant(time !== null, "a small n is a time");
  return auditEntry({
    time,
    action: "read",
    decision: "permit",
    requestId: `request-${n}`,
    ...known,
  });
}

export interface TestLog<W, R> {
  readonly origin: string;
  readonly database: TestDatabase;
  /** As the role that writes the log. */
  readonly db: Database;
  readonly signer: CheckpointSigner;
  readonly verifier: CheckpointVerifier;
  readonly log: Log<W, R>;
  /** Opens the same log once more, which fences off the first. */
  readonly open: (deps?: Partial<LogDeps<W, R>>) => Promise<Log<W, R>>;
}

export interface TestLogOptions<W, R> {
  readonly role?: DatabaseRole;
  readonly clock?: Clock;
  readonly alongside?: LogDeps<W, R>["alongside"];
}

/** A log in a database of the test's own. */
export async function testLog<W = never, R = never>(
  t: TestContext,
  { role = "phylax_records", clock = systemClock, alongside }: TestLogOptions<W, R> = {},
): Promise<TestLog<W, R>> {
  const database = await testDatabase(t);
  const origin = `phylax/${database.tenant}/records`;
  const { signer, verifier } = testKey(origin);
  const db = database.as(role);
  const shared = { db, origin, signer, clock, random: systemRandom };
  const open = async (deps: Partial<LogDeps<W, R>> = {}): Promise<Log<W, R>> => {
    const own = alongside === undefined ? shared : { ...shared, alongside };
    const opened = await createLog<W, R>({ ...own, ...deps });
    if (!opened.ok) throw new Error(opened.problem.detail ?? opened.problem.code);
    t.after(() => opened.value.close());
    return opened.value;
  };
  return { origin, database, db, signer, verifier, log: await open(), open };
}

/** Writes entries one batch after another and answers when the last is durable. */
export async function write<W, R>(
  log: Log<W, R>,
  batches: readonly (readonly AuditEntry[])[],
): Promise<void> {
  for (const entries of batches) {
    const written = await log.submit({ entries: () => entries });
    if (!written.ok) throw new Error(written.problem.code);
  }
}
