import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from "node:crypto";
import { systemClock } from "#core/clock.ts";
import {
  parsePseudonym,
  parseResourceId,
  parseResourceType,
  parseTenantId,
  type Pseudonym,
} from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant, ok } from "#core/result.ts";
import { testKeys } from "#keys/testing.ts";
import { openDatabase } from "#storage/database.ts";
import { takeDataKey } from "#vault/data-key.ts";
import { systemRun } from "#vault/run-watch.ts";
import { createRecordCipher } from "#vault/record-cipher.ts";
import { createVault, type Vault } from "#vault/vault.ts";
import type { Figure } from "./figure.ts";
import { inTurn, parsed, startServer, type Tidy } from "./support.ts";
import { coldRead } from "./vault/cold-read.ts";
import { peers } from "./vault/peers.ts";

const recordBytes = 2_048;
const patients = 10_000;
/** Such as an Observation of a search page, without its narrative. */
const smallBytes = 256;
const recordsPerPack = 200;
const peerCalls = 400;

const tenant = parsed(parseTenantId, systemRandom.uuid());
const patient = (): Pseudonym => parsed(parsePseudonym, systemRandom.uuid());

function sealing(): readonly Figure[] {
  const plain = randomBytes(recordBytes);
  const place = {
    tenant,
    compartment: patient(),
    type: parsed(parseResourceType, "Observation"),
    id: parsed(parseResourceId, systemRandom.uuid()),
    version: 1,
    dekVersion: 1,
  };
  const key = takeDataKey(randomBytes(32), { ...place, kekEpoch: 1, seals: 0 });
  const cipher = createRecordCipher(tenant, { random: systemRandom, ...systemRun });
  const sealed = cipher.seal(key, place, plain);
  const raw = createSecretKey(randomBytes(32));
  const [nonce, aad] = [randomBytes(12), randomBytes(180)];
  const rawSeal = (): { body: Buffer; tag: Buffer } => {
    const to = createCipheriv("aes-256-gcm", raw, nonce).setAAD(aad);
    const body = to.update(plain);
    to.final();
    return { body, tag: to.getAuthTag() };
  };
  const { body, tag } = rawSeal();
  const reached = inTurn({
    rawSeal,
    seal: () => cipher.seal(key, place, plain),
    rawOpen: () => {
      const from = createDecipheriv("aes-256-gcm", raw, nonce).setAAD(aad).setAuthTag(tag);
      from.update(body);
      from.final();
    },
    open: () => invariant(cipher.open(key, place, sealed) !== null, "it opens"),
    token: () => cipher.token(key, "category=laboratory"),
  });
  const against = "raw AES-256-GCM of node:crypto, its key cached";
  return [
    {
      name: "open a 2 KB record, one thread",
      value: reached.open,
      unit: "records/s",
      floor: 150_000,
      ratio: reached.open / reached.rawOpen,
      against,
    },
    {
      name: "seal a 2 KB record, one thread",
      value: reached.seal,
      unit: "records/s",
      ratio: reached.seal / reached.rawSeal,
      against,
    },
    {
      name: "opening against the raw cipher",
      value: reached.open / reached.rawOpen,
      unit: "×",
      floor: 0.6,
    },
    {
      name: "sealing against the raw cipher",
      value: reached.seal / reached.rawSeal,
      unit: "×",
      floor: 0.6,
    },
    { name: "make a search token", value: reached.token, unit: "tokens/s" },
  ];
}

/** Records of a page in one message, against as many messages. */
function packing(): Figure {
  const compartment = patient();
  const type = parsed(parseResourceType, "Observation");
  const id = parsed(parseResourceId, systemRandom.uuid());
  const place = { tenant, compartment, type, id, version: 1, dekVersion: 1 };
  const key = takeDataKey(randomBytes(32), { ...place, kekEpoch: 1, seals: 0 });
  const cipher = createRecordCipher(tenant, { random: systemRandom, ...systemRun });
  const records = Array.from({ length: recordsPerPack }, () => randomBytes(smallBytes));
  const packed = cipher.pack(key, place, records);
  const sealed = records.map((record) => cipher.seal(key, place, record));
  const reached = inTurn({
    packed: () => invariant(cipher.openPack(key, place, packed)?.length === recordsPerPack, "all"),
    single: () => {
      for (const each of sealed) invariant(cipher.open(key, place, each) !== null, "it opens");
    },
  });
  return {
    name: `open packed records of ${smallBytes} bytes, ${recordsPerPack} in a pack`,
    value: reached.packed * recordsPerPack,
    unit: "records/s",
    floor: 1_500_000,
    ratio: reached.packed / reached.single,
    against: "the same records one by one",
  };
}

/** How we compare with libraries that seal records, too; their calls wait for promises, as their users must. */
async function besidePeers(): Promise<readonly Figure[]> {
  const plain = randomBytes(recordBytes);
  const compartment = patient();
  const type = parsed(parseResourceType, "Observation");
  const id = parsed(parseResourceId, systemRandom.uuid());
  const place = { tenant, compartment, type, id, version: 1, dekVersion: 1 };
  const key = takeDataKey(randomBytes(32), { ...place, kekEpoch: 1, seals: 0 });
  const cipher = createRecordCipher(tenant, { random: systemRandom, ...systemRun });
  const sealed = cipher.seal(key, place, plain);
  const figures: Figure[] = [];
  for (const peer of await peers()) {
    const theirs = await peer.seal(plain);
    const ours = inTurn({ open: () => cipher.open(key, place, sealed) });
    await callsPerSecond(() => peer.open(theirs));
    const theirsPerSecond = await callsPerSecond(() => peer.open(theirs));
    figures.push({
      name: `open a 2 KB record, beside ${peer.name}`,
      value: ours.open,
      unit: "records/s",
      ratio: ours.open / theirsPerSecond,
      against: peer.name,
    });
  }
  return figures;
}

async function callsPerSecond(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let n = 0; n < peerCalls; n += 1) await call();
  return (peerCalls / (performance.now() - began)) * 1_000;
}

type FetchKeys = (some: readonly Pseudonym[]) => ReturnType<Vault["keys"]>;

async function inBatches(all: readonly Pseudonym[], work: FetchKeys): Promise<number> {
  const began = performance.now();
  for (let from = 0; from < all.length; from += 1_000) {
    const keys = await work(all.slice(from, from + 1_000));
    invariant(keys.ok, "the bench gets its keys");
  }
  return (all.length / (performance.now() - began)) * 1_000;
}

async function keyMaking(tidy: Tidy): Promise<readonly Figure[]> {
  const server = await startServer(tidy);
  const shared = { clock: systemClock, random: systemRandom };
  const connection = server.as("phylax_records");
  const db = openDatabase({ connection, tenant, maxConnections: 4 });
  tidy(() => db.close());
  const { service } = await testKeys({ after: tidy });
  const deps = { db, keys: service, tenant, ...shared, onKeys: async () => ok(null) };
  const [vault, cold] = [await createVault(deps), await createVault(deps)];
  invariant(vault.ok && cold.ok, "the vaults open");
  const all = Array.from({ length: patients }, patient);
  const made = await inBatches(all, (some) => vault.value.create(some));
  const fetched = await inBatches(all, (some) => cold.value.keys(some));
  return [
    {
      name: "make patients' keys, stored durably, 1,000 at a time",
      value: made,
      unit: "keys/s",
      floor: 5_000,
    },
    { name: "fetch and unwrap cold keys, 1,000 at a time", value: fetched, unit: "keys/s" },
  ];
}

/** Sealing against raw ciphers in the same run; key making with PostgreSQL and the keys process. */
export async function run(): Promise<readonly Figure[]> {
  const lasts: (() => Promise<unknown> | void)[] = [];
  try {
    return [
      ...sealing(),
      packing(),
      ...(await besidePeers()),
      ...(await keyMaking((last) => lasts.unshift(last))),
      await coldRead(),
    ];
  } finally {
    for (const last of lasts) await last();
  }
}
