import { createHash, createHmac, createSecretKey, randomBytes } from "node:crypto";
import { systemClock } from "#core/clock.ts";
import { parseResourceId, parseResourceType, parseTenantId, type ResourceId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant, ok } from "#core/result.ts";
import { testKeys } from "#keys/testing.ts";
import { createBlindIndex } from "#records/blind/blind-index.ts";
import { openMaintenance } from "#records/blind/maintenance.ts";
import { parseSearch } from "#records/fhir/search.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { openUnseen } from "#records/opening.ts";
import { putRow } from "#records/row-write.ts";
import { createStore } from "#records/store.ts";
import { writeRecords } from "#records/write-store.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { blindIndexes, blindToken, tokenBitsMax } from "#vault/blind-index.ts";
import { takeDataKey } from "#vault/data-key.ts";
import { createVault, type Vault } from "#vault/vault.ts";
import type { Figure } from "./figure.ts";
import { inTurn, parsed, startServer, type Tidy } from "./support.ts";

const indexRows = 1_000_000;
const rowsPerInsert = 100_000;
/** Real Patients among the rows, of whom the searches ask. */
const patients = 1_000;
const searches = 2_000;
const warmUp = 300;

const tenant = parsed(parseTenantId, systemRandom.uuid());
const patientType = parsed(parseResourceType, "Patient");
const idOf = (n: number): ResourceId => parsed(parseResourceId, `bench-${n}`);
const mrn = "urn:example:mrn";

/** Tokens beside the bare HMAC that each of them is, in turns, so that a busy moment hits both. */
function tokens(): Figure {
  const facts = { tenant, compartment: "organisation", dekVersion: 1, kekEpoch: 1 } as const;
  const key = takeDataKey(randomBytes(32), { ...facts, seals: 0 });
  const generation = { version: 1, dekVersion: 1, bits: blindIndexes.map(() => tokenBitsMax) };
  const label = { index: "identifier", text: `${mrn}\0M-4711` } as const;
  const bare = createSecretKey(createHash("sha256").update("bench").digest());
  const reached = inTurn({
    ours: () => blindToken(key, generation, label),
    raw: () => createHmac("sha256", bare).update(label.text).digest(),
  });
  return {
    name: "make a blind index token, one thread",
    value: reached.ours,
    unit: "tokens/s",
    floor: 150_000,
    ratio: reached.ours / reached.raw,
    against: "createHmac of node:crypto",
  };
}

interface Site {
  readonly db: Database;
  readonly admin: Database;
  readonly vault: Vault;
}

async function openSite(tidy: Tidy): Promise<Site> {
  const server = await startServer(tidy);
  const shared = { clock: systemClock, random: systemRandom };
  const connection = server.as("phylax_records");
  const db = openDatabase({ connection, tenant, maxConnections: 4 });
  const admin = openDatabase({ connection: server.admin, tenant, maxConnections: 1 });
  tidy(() => Promise.all([db.close(), admin.close()]));
  const { service } = await testKeys({ after: tidy });
  const vault = await createVault({
    db,
    keys: service,
    tenant,
    ...shared,
    onKeys: async () => ok(null),
  });
  invariant(vault.ok, "the vault opens");
  tidy(() => vault.value.close());
  return { db, admin, vault: vault.value };
}

function patientText(n: number): string {
  return JSON.stringify({
    resourceType: "Patient",
    id: idOf(n),
    identifier: [{ system: mrn, value: `M-${n}` }],
    name: [{ family: "García", given: ["Ana"] }],
    birthDate: "1980-05-03",
    text: { status: "generated", div: `<div xmlns="http://www.w3.org/1999/xhtml"></div>` },
  });
}

/** Real Patients, written as records writes them. */
async function writePatients({ db, vault }: Site): Promise<void> {
  const blind = createBlindIndex({ db, vault, clock: systemClock });
  const ids = Array.from({ length: patients }, (_, n) => idOf(n));
  const keys = await vault.create(ids.map((id) => vault.pseudonymOf(id)));
  const blindKeys = await blind.writeKeys();
  invariant(keys.ok && blindKeys.ok, "the keys are there");
  const rows = ids.map((id, n) => {
    const resource = parseResource(patientText(n), { type: patientType });
    const compartment = vault.pseudonymOf(id);
    const key = keys.value.get(compartment);
    invariant(resource.ok && key !== undefined, "a Patient of the bench is valid");
    const placing = { id, compartment, patient: id, key, ifVersion: null, skipUnchanged: false };
    return putRow(resource.value, { ...placing, blindKeys: blindKeys.value }, vault);
  });
  const write = writeRecords({ tenant, vault, clock: systemClock });
  await db.transaction((tx) => write(tx, [{ atomic: true, rows }]));
}

/** Rows of patients who are not there: random tokens are what their real ones would look like. */
async function fillIndex({ admin }: Site): Promise<void> {
  for (let made = 0; made < indexRows; made += rowsPerInsert)
    await admin.query(
      `INSERT INTO records.blind_index (version, kind, token, compartment)
       SELECT 1, 1, (random() * 9223372036854774784)::bigint, gen_random_uuid()
       FROM generate_series(1, ${rowsPerInsert})`,
    );
  await admin.query("ANALYZE");
}

/** What a search does once it is understood: look up, fetch, open, compare. */
function searcher({ db, vault }: Site): (n: number) => Promise<number> {
  const blind = createBlindIndex({ db, vault, clock: systemClock });
  const store = createStore(db);
  return async (n) => {
    const began = performance.now();
    const plan = parseSearch(patientType, new URLSearchParams({ identifier: `${mrn}|M-${n}` }));
    invariant(plan.ok, "the search is understood");
    const asker = { practitioner: idOf(0), at: systemClock.now() };
    const found = await blind.find({
      groups: plan.value.blind,
      asker,
      own: [],
      beyondCare: true,
    });
    invariant(found.ok && found.value !== null, "the index answers");
    const rows = await store.findWhole(
      patientType,
      found.value.map(({ row }) => row.id),
    );
    invariant(rows.ok, "the rows are there");
    const opened = await openUnseen(rows.value, { tenant, vault });
    invariant(opened.ok, "they open");
    const matches = opened.value.filter(({ value }) => value !== null && plan.value.matches(value));
    invariant(matches.length === 1 && matches[0]?.row.id === idOf(n), "the one Patient is found");
    return performance.now() - began;
  };
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

async function identifierSearch(
  tidy: (last: () => Promise<unknown> | void) => void,
): Promise<readonly Figure[]> {
  const site = await openSite(tidy);
  const maintenance = await openMaintenance({
    ...site,
    tenant,
    onFault: () => invariant(false, "no fault"),
  });
  invariant(maintenance.ok, "the index opens");
  tidy(() => maintenance.value.close());
  await writePatients(site);
  await fillIndex(site);
  const search = searcher(site);
  for (let n = 0; n < warmUp; n += 1) await search(n % patients);
  const took: number[] = [];
  // A stride that meets every Patient before any twice.
  for (let n = 0; n < searches; n += 1) took.push(await search((n * 389) % patients));
  const sorted = took.toSorted((a, b) => a - b);
  const name = "Patient by identifier among 1,000,000 index rows: look-up, fetch, open";
  return [
    { name: `${name}, p50`, value: at(sorted, 0.5), unit: "ms", ceiling: 2 },
    { name: `${name}, p99`, value: at(sorted, 0.99), unit: "ms" },
  ];
}

/** Tokens against raw HMAC, and the search that they are for, over PostgreSQL. */
export async function run(): Promise<readonly Figure[]> {
  const lasts: (() => Promise<unknown> | void)[] = [];
  try {
    return [tokens(), ...(await identifierSearch((last) => lasts.unshift(last)))];
  } finally {
    for (const last of lasts) await last();
  }
}
