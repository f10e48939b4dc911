import { readFileSync } from "node:fs";
import { createLog, type Log } from "#audit/log.ts";
import { createSigner } from "#audit/note.ts";
import { connectionOf } from "#assembly/database.ts";
import { openHome, readSettings } from "#assembly/home.ts";
import { logOrigin, logPrivateKey } from "#assembly/log-keys.ts";
import { auditEntry } from "#core/audit-entry.ts";
import { systemClock } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import { connectPeer, type TlsIdentity } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import { invariant, ok } from "#core/result.ts";
import { createKeyClient } from "#keys/client.ts";
import { openDatabase } from "#storage/database.ts";
import { createVault, type Vault } from "#vault/vault.ts";
import { startDeployment } from "../../test/support/deployment.ts";
import type { Figure } from "../figure.ts";

const patients = 300;

const entry = (action: "read" | "unwrap", patient: string | null) =>
  auditEntry({ time: systemClock.now(), action, decision: "permit", patient, count: 1 });

/** Fetches the patient's key and logs the reading, as each read does. */
async function readMs(vault: Vault, log: Log<never, never>, patient: Pseudonym): Promise<number> {
  const began = performance.now();
  const keys = await vault.keys([patient]);
  invariant(keys.ok && keys.value.has(patient), "the key is there");
  const logged = await log.submit({ entries: () => [entry("read", patient)] });
  invariant(logged.ok, "the reading is logged");
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** One patient after the other, first with her key at the keys process, then with it in memory. */
async function measure(vault: Vault, log: Log<never, never>): Promise<Figure> {
  const all = Array.from({ length: patients }, () => parsePseudonym(systemRandom.uuid()));
  const known = all.filter((patient) => patient !== null);
  invariant((await vault.create(known)).ok, "the keys are made");
  const [cold, warm]: [number[], number[]] = [[], []];
  for (const patient of known) {
    vault.evict([patient]);
    cold.push(await readMs(vault, log, patient));
    warm.push(await readMs(vault, log, patient));
  }
  return {
    name: "first read of a patient more than the next, median",
    value: median(cold) - median(warm),
    unit: "ms",
    ceiling: 3,
    ratio: median(cold) / median(warm),
    against: "a read with the key in memory, logged as well",
  };
}

/** With all there is to a first read: mutual TLS, the keys process and its log, our log's entry. */
export async function coldRead(): Promise<Figure> {
  const phylax = await startDeployment({
    args: ["--empty"],
    variables: { PHYLAX_BRAKE_SHARE: "10000" },
  });
  const lasts: (() => Promise<unknown> | void)[] = [() => phylax.remove()];
  try {
    const home = openHome(phylax.home);
    const settings = home.ok ? readSettings(home.value) : null;
    invariant(home.ok && settings !== null, "the deployment has a home");
    const certificate = readFileSync(home.value.file("certificates", "records.json"), "utf8");
    const peer = connectPeer({
      address: { kind: "unix", path: home.value.socket("keys") },
      identity: JSON.parse(certificate) as TlsIdentity,
      role: "keys",
      connections: 4,
    });
    lasts.unshift(() => peer.destroy());
    const { tenant } = settings;
    const connection = connectionOf(home.value, "phylax_records");
    const db = openDatabase({ connection, tenant, maxConnections: 4 });
    lasts.unshift(() => db.close());
    const origin = logOrigin(settings, "records");
    const signer = createSigner(logPrivateKey(home.value, "records"), origin);
    const shared = { db, clock: systemClock, random: systemRandom };
    const log = await createLog({ ...shared, origin, signer });
    invariant(log.ok, "the log opens");
    const vault = await createVault({
      ...shared,
      keys: createKeyClient(peer),
      tenant,
      // As records does it: ahead of the reading's own entry in the log's queue.
      onKeys: async ({ keys }) => {
        void log.value.submit({ entries: () => keys.map(() => entry("unwrap", null)) });
        return ok(null);
      },
    });
    invariant(vault.ok, "the vault opens");
    lasts.unshift(() => vault.value.close());
    return await measure(vault.value, log.value);
  } finally {
    for (const last of lasts) await last();
  }
}
