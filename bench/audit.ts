import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { createLog } from "#audit/log.ts";
import {
  createSigner,
  createVerifier,
  type CheckpointSigner,
  type CheckpointVerifier,
} from "#audit/note.ts";
import { verifyRecords } from "#audit/verify-records.ts";
import { verifyLog } from "#audit/verify.ts";
import { exposureOf, type ExposureDeps, type ExposureQuestion } from "#breach/exposure.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import { laterBy, systemClock } from "#core/clock.ts";
import { parseTenantId, type TenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { openDatabase, type Connection, type Database } from "#storage/database.ts";
import { inSnapshot } from "#storage/snapshot.ts";
import type { Figure } from "./figure.ts";
import { startServer, type Tidy } from "./support.ts";

const rows = 100_000;
const patients = 100_000;
const batchEntries = 1_000;

function newTenant(): TenantId {
  const made = parseTenantId(systemRandom.uuid());
  invariant(made !== null, "a uuid is a tenant id");
  return made;
}

const tenant = newTenant();
const now = systemClock.now();
const known = (n: number) =>
  ({ time: laterBy(now, n), decision: "permit", requestId: `request-${n}` }) as const;

interface LogKey {
  readonly signer: CheckpointSigner;
  readonly verifier: CheckpointVerifier;
}

function newKey(): LogKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
  return { signer: createSigner(pem, origin), verifier: createVerifier(spki, origin) };
}

const origin = `phylax/${tenant}/records`;

/** Made alike here and in SQL, so that the ciphertexts need not travel. */
const sealedOf = (n: number): string =>
  createHash("md5").update(String(n)).digest("hex").repeat(64);
const pseudonymOf = (n: number): string => {
  const hex = createHash("md5").update(`patient ${n}`).digest("hex");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
};

function written(n: number): AuditEntry {
  return auditEntry({
    ...known(n),
    action: "create",
    resourceType: "Observation",
    resourceId: `row-${n}`,
    resourceVersion: 1,
    ciphertextHash: createHash("sha256").update(sealedOf(n)).digest("base64url"),
  });
}

const unwrapped = (n: number): AuditEntry =>
  auditEntry({
    ...known(n),
    action: "unwrap",
    actor: "process:records",
    patient: pseudonymOf(n),
    dekVersion: 1,
    reasons: ["kek-epoch-1"],
  });

const insertRows = `
  INSERT INTO records.resource
    (type, id, version, last_updated, deleted, dek_version, tokens, content_mac, sealed)
  SELECT 'Observation', 'row-' || n, 1, now(), false, 1, '{}', '',
    convert_to(repeat(md5(n::text), 64), 'UTF8') FROM generate_series(0, ${rows - 1}) AS n`;
const insertKeys = `
  INSERT INTO keyring.data_key (compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
  SELECT md5('patient ' || n)::uuid::text, 1, 1, decode(repeat('00', 60), 'hex'),
    decode(repeat('00', 32), 'hex'), now() FROM generate_series(0, ${patients - 1}) AS n`;

/** The most memory that was in use while a work went on, above what was in use before, in MB. */
async function peakOf(work: () => Promise<unknown>): Promise<{ seconds: number; mb: number }> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const startedAt = performance.now();
  await work();
  clearInterval(watch);
  return {
    seconds: (performance.now() - startedAt) / 1_000,
    mb: (Math.max(peak, process.memoryUsage().rss) - before) / 1024 / 1024,
  };
}

async function fill(connection: Connection, db: Database, { signer }: LogKey) {
  const log = await createLog({ db, origin, signer, clock: systemClock, random: systemRandom });
  invariant(log.ok, "the log opens");
  for (const entryOf of [written, unwrapped])
    for (let from = 0; from < rows; from += batchEntries) {
      const batch = Array.from({ length: batchEntries }, (_, n) => entryOf(from + n));
      invariant((await log.value.submit({ entries: () => batch })).ok, "the batch is written");
    }
  await log.value.close();
  const admin = new Client(connection);
  await admin.connect();
  await admin.query("SELECT set_config('phylax.tenant', $1, false)", [tenant]);
  for (const sql of [insertRows, insertKeys]) await admin.query(sql);
  await admin.query("VACUUM ANALYZE");
  await admin.end();
}

const everything = { from: null, until: null } as const;

async function count(question: ExposureQuestion, deps: ExposureDeps): Promise<number> {
  let found = 0;
  for await (const { patient } of exposureOf(question, deps)) found += patient === null ? 0 : 1;
  return found;
}

/** The proof of stored rows, and questions of exposure, each for a hundred thousand. */
export async function run(): Promise<readonly Figure[]> {
  const lasts: Parameters<Tidy>[0][] = [];
  const tidy: Tidy = (last) => void lasts.unshift(last);
  const folder = await mkdtemp(join(tmpdir(), "phylax-bench-"));
  tidy(() => rm(folder, { recursive: true, force: true }));
  const server = await startServer(tidy);
  const as = (role: "phylax_records" | "phylax_auditor"): Database => {
    const db = openDatabase({ connection: server.as(role), tenant, maxConnections: 2 });
    tidy(() => db.close());
    return db;
  };
  const [records, auditor] = [as("phylax_records"), as("phylax_auditor")];
  const key = newKey();
  try {
    await fill(server.admin, records, key);
    return await measure(auditor, key, folder);
  } finally {
    for (const last of lasts) await last();
  }
}

async function measure(
  db: Database,
  { verifier }: LogKey,
  scratch: string,
): Promise<readonly Figure[]> {
  const quiet = { origin, verifiers: [verifier], onProgress: () => {}, onRows: () => {} };
  const plain = await peakOf(() => verifyLog({ ...quiet, db }));
  const proof = await peakOf(async () => {
    const proven = await inSnapshot(db, (on) => verifyRecords({ ...quiet, db: on, scratch }));
    invariant(proven.ok && proven.value.records.findingCount === 0, "all rows are as written");
    invariant(proven.value.records.rows === rows, "all rows were looked at");
  });
  const deps: ExposureDeps = {
    db,
    keyLog: async function* () {},
    hostOf: () => "local",
    epochs: [],
    residenceMs: 60_000,
    clock: systemClock,
    scratch,
  };
  const host = { kind: "host", host: "local", role: null, window: everything } as const;
  const epoch = { kind: "kek-epoch", epoch: 1, window: everything } as const;
  const asked: Figure[] = [];
  for (const [name, question] of [
    ["a host that had every key", host],
    ["an epoch that every key is under", epoch],
  ] as const) {
    const told = await peakOf(async () => {
      invariant((await count(question, deps)) === patients, "every patient is counted");
    });
    asked.push({
      name: `patients exposed by ${name}`,
      value: patients / told.seconds,
      unit: "patients/s",
    });
    asked.push({ name: "memory that it took", value: told.mb, unit: "MB", ceiling: 200 });
  }
  return [
    {
      name: `audit verify --records, ${rows} rows of 2 KB and as many entries again`,
      value: rows / proof.seconds,
      unit: "rows/s",
      ratio: plain.seconds / proof.seconds,
      against: "the log alone",
    },
    { name: "memory that it took", value: proof.mb, unit: "MB", ceiling: 200 },
    ...asked,
  ];
}
