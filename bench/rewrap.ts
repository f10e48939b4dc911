import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Client } from "pg";
import { Pool } from "undici";
import { systemClock } from "#core/clock.ts";
import { parseTenantId, type TenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant, ok } from "#core/result.ts";
import type { KeyOperator, KeyService } from "#core/key-service.ts";
import { createKeyClient, createKeyOperator } from "#keys/client.ts";
import { openDatabase } from "#storage/database.ts";
import { insertKeys } from "#vault/store.ts";
import { rewrapAll } from "#assembly/key-life/rewrap.ts";
import type { Figure } from "./figure.ts";
import { startServer, type Server, type Tidy } from "./support.ts";

const dataKeys = 200_000;
const keysPerInsert = 1_000;
/** Same for each run, so that rows lie in the same order. */
const compartmentOf = (n: number): string => {
  const hex = createHash("sha256").update(String(n)).digest("hex");
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ];
  return [...groups, hex.slice(20, 32)].join("-");
};

interface Keys {
  readonly service: KeyService;
  readonly operator: KeyOperator;
}

async function startKeys(tidy: Tidy): Promise<Keys> {
  const folder = await mkdtemp(join(tmpdir(), "phylax-bench-keys-"));
  tidy(() => rm(folder, { recursive: true, force: true }));
  const file = new URL("rewrap/keys-worker.ts", import.meta.url);
  const worker = new Worker(file, { workerData: { folder } });
  tidy(() => worker.terminate());
  await once(worker, "message");
  const pool = (role: "operator" | "records"): Pool => {
    const made = new Pool("http://localhost", {
      connect: { socketPath: join(folder, role) },
      connections: 4,
    });
    tidy(() => made.destroy());
    return made;
  };
  return {
    service: createKeyClient(pool("records")),
    operator: createKeyOperator(pool("operator")),
  };
}

async function makeRows(server: Server, keys: Keys, tenant: TenantId): Promise<void> {
  const db = openDatabase({ connection: server.as("phylax_records"), tenant, maxConnections: 2 });
  for (let from = 0; from < dataKeys; from += keysPerInsert) {
    const asked = Array.from({ length: keysPerInsert }, (_, i) => ({
      compartment: compartmentOf(from + i),
      dekVersion: 1,
    }));
    const made = await keys.service.generate(tenant, asked);
    invariant(made.ok, "keys are made");
    const wrapped = made.value.map((each) => each.wrapped);
    await insertKeys(db, wrapped, systemClock.now());
  }
  await db.close();
}

/** One statement over the same rows with bytes of the same length: what the disk and PostgreSQL allow. */
async function plainUpdate(server: Server): Promise<number> {
  const client = new Client(server.admin);
  await client.connect();
  const began = performance.now();
  const { rowCount } = await client.query(
    "UPDATE keyring.data_key SET kek_epoch = kek_epoch, wrapped = wrapped || ''::bytea",
  );
  const perSecond = ((rowCount ?? 0) / (performance.now() - began)) * 1_000;
  await client.end();
  return perSecond;
}

async function vacuum(server: Server): Promise<void> {
  const client = new Client(server.admin);
  await client.connect();
  await client.query("VACUUM ANALYZE keyring.data_key");
  await client.query("CHECKPOINT");
  await client.end();
}

async function rewrapOnce(server: Server, keys: Keys, tenant: TenantId): Promise<number> {
  const db = openDatabase({ connection: server.as("phylax_keeper"), tenant, maxConnections: 5 });
  const started = await keys.operator.startEpoch();
  invariant(started.ok, "an epoch starts");
  const { kekEpoch } = started.value;
  const began = performance.now();
  const done = await rewrapAll({
    life: { db, keys: keys.operator, tenant },
    kekEpoch,
    goOn: () => ok(null),
    onProgress: () => {},
  });
  const tookMs = performance.now() - began;
  await db.close();
  invariant(done.ok && done.value.rewrapped === dataKeys, "every key was wrapped anew");
  return (dataKeys / tookMs) * 1_000;
}

async function measure(tidy: Tidy): Promise<readonly Figure[]> {
  const tenant = parseTenantId(systemRandom.uuid());
  invariant(tenant !== null, "a uuid is a tenant id");
  const server = await startServer(tidy);
  const keys = await startKeys(tidy);
  await makeRows(server, keys, tenant);
  await vacuum(server);
  const first = await rewrapOnce(server, keys, tenant);
  await vacuum(server);
  const plain = await plainUpdate(server);
  await vacuum(server);
  const again = await rewrapOnce(server, keys, tenant);
  const shared = {
    unit: "keys/s",
    floor: 50_000,
    against: "one UPDATE of the same rows in the same server",
  };
  return [
    {
      ...shared,
      name: "rewrap 200,000 data keys under a new epoch, durable",
      value: again,
      ratio: again / plain,
    },
    { ...shared, name: "the same for the first time", value: first, ratio: first / plain },
  ];
}

/** Rewrapping with PostgreSQL, fsync on, and the keys process behind HTTP. */
export async function run(): Promise<readonly Figure[]> {
  const lasts: (() => Promise<unknown> | void)[] = [];
  try {
    return await measure((last) => lasts.unshift(last));
  } finally {
    for (const last of lasts) await last();
  }
}
