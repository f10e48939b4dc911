import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { parseInstant, systemClock } from "#core/clock.ts";
import { parseTenantId, type TenantId } from "#core/ids.ts";
import { ok } from "#core/result.ts";
import { openKeyHome } from "#keys/keys.ts";
import { testFolder, testKeyHome } from "#keys/testing.ts";
import { runAsAdmin } from "#storage/test-server.ts";
import type { CopiedKey, CopiedShredding } from "#vault/key-copy-store.ts";
import { backUp } from "#assembly/key-life/backup.ts";
import {
  parseHead,
  parseLine,
  printEnd,
  printHead,
  printKey,
  printShredded,
} from "#assembly/key-life/backup-file.ts";
import { readBackup } from "#assembly/key-life/backup-read.ts";
import { restoreRows, type RestoredRows } from "#assembly/key-life/restore-rows.ts";
import { patientOf } from "#assembly/key-life/patient.ts";
import { isOlder, ringFacts } from "#assembly/key-life/ring-age.ts";
import { rotate } from "#assembly/key-life/rotate.ts";
import { shred } from "#assembly/key-life/shred.ts";
import {
  codeOf,
  makeIdentityKey,
  makeKeys,
  openedKeys,
  somePatient,
  storedKeys,
  testLife,
  valueOf,
  type TestLife,
} from "#assembly/key-life/testing.ts";

const tenant: TenantId = parsedTenant("0b0e3f0a-63a5-4d8e-9a5b-0a6d3f0c9a11");

function parsedTenant(text: string): TenantId {
  const parsed = parseTenantId(text);
  assert.ok(parsed !== null);
  return parsed;
}

const instants = fc.integer({ min: 0, max: 4e12 }).map((ms) => {
  const at = parseInstant(ms);
  assert.ok(at !== null);
  return at;
});
const base64url = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString("base64url"));
const counts = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const compartments = fc.oneof(fc.uuid(), fc.constant("organisation"));

const plain = { noNullPrototype: true } as const;

const copiedKeys: fc.Arbitrary<CopiedKey> = fc.record(
  {
    key: fc.record(
      {
        tenant: fc.constant(tenant),
        compartment: compartments,
        dekVersion: counts,
        kekEpoch: counts,
        wrapped: base64url,
        commitment: base64url,
      },
      plain,
    ),
    createdAt: instants,
  },
  plain,
);
const copiedShreddings: fc.Arbitrary<CopiedShredding> = fc.record(
  {
    compartment: fc.uuid(),
    at: instants,
    reason: fc.string(),
    officer: fc.string(),
    secondOfficer: fc.string(),
    lastEpoch: counts,
    finishedAt: fc.option(instants),
  },
  plain,
);

test("each line of a backup reads back as what was written", () => {
  fc.assert(
    fc.property(copiedKeys, (copied) => {
      assert.deepEqual(parseLine(printKey(copied).trimEnd(), tenant), { kind: "key", copied });
    }),
  );
  fc.assert(
    fc.property(copiedShreddings, (copied) => {
      const line = printShredded(copied);
      assert.equal(line.split("\n").length, 2);
      assert.deepEqual(parseLine(line.trimEnd(), tenant), { kind: "shredded", copied });
    }),
  );
  fc.assert(
    fc.property(instants, fc.option(fc.string()), (createdAt, rootKey) => {
      const head = {
        deployment: tenant,
        createdAt,
        ring: "r\n",
        rootKey,
        kms: null,
        identityKey: null,
      };
      assert.deepEqual(parseHead(printHead(head).trimEnd()), head);
    }),
  );
  assert.deepEqual(parseLine(printEnd(7, "ab").trimEnd(), tenant), {
    kind: "end",
    lines: 7,
    sha256: "ab",
  });
});

test("what is no line of a backup reads as none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const line = parseLine(text, tenant);
      assert.ok(line === null || ["key", "shredded", "end"].includes(line.kind));
    }),
  );
  for (const text of ['["key","ana",1,1,"AA","AA","2026-01-01T00:00:00.000Z"]', '["end","7","ab"]'])
    assert.equal(parseLine(text, tenant), null);
  assert.equal(parseHead('{"format":"phylax-key-backup","version":2}'), null);
});

interface Backed {
  readonly test: TestLife;
  readonly made: ReadonlyMap<string, string>;
  readonly path: string;
}

async function backedUp(t: TestContext): Promise<Backed> {
  const life = await testLife(t);
  const made = await makeKeys(life, ["organisation", ...Array.from({ length: 4 }, somePatient)]);
  await makeIdentityKey(life);
  const path = join(await testFolder(t), "one.phylax-keys");
  valueOf(await backUp({ ...life.life, keysFolder: life.keysFolder }, path));
  return { test: life, made, path };
}

const nothing = async (): Promise<ReturnType<typeof ok<null>>> => ok(null);

test("a backup is for its owner only, has everything, and no key in the clear", async (t) => {
  const { test: life, made, path } = await backedUp(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const read = valueOf(await readBackup(path, nothing));
  assert.equal(read.keys, made.size);
  assert.equal(read.head.deployment, life.life.tenant);
  assert.equal(read.head.rootKey, readFileSync(join(life.keysFolder, "root.key"), "utf8"));
  assert.equal(read.head.ring, readFileSync(join(life.keysFolder, "key-ring.json"), "utf8"));
  assert.match(read.head.identityKey ?? "", /"compartment":"identity"/);
  const text = readFileSync(path, "utf8");
  for (const key of made.values()) {
    const bytes = Buffer.from(key, "hex");
    for (const form of ["hex", "base64", "base64url"] as const)
      assert.ok(!text.includes(bytes.toString(form).replace(/=+$/, "")));
  }
});

test("a backup with any byte changed, or cut anywhere, is refused", async (t) => {
  const { path } = await backedUp(t);
  const whole = readFileSync(path);
  const folder = await testFolder(t);
  const refused = async (bytes: Buffer): Promise<void> => {
    const changed = join(folder, "changed");
    writeFileSync(changed, bytes);
    assert.equal(codeOf(await readBackup(changed, nothing)), "key-ring-refused");
  };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 2 }), async (at) => {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      await refused(bytes);
      await refused(whole.subarray(0, at));
    }),
    { numRuns: 40 },
  );
  await refused(Buffer.concat([whole, whole]));
  assert.equal(codeOf(await readBackup(join(folder, "none"), nothing)), "key-ring-refused");
  assert.equal(codeOf(await readBackup(folder, nothing)), "key-ring-refused");
});

test("a backup that cannot be written fails and leaves nothing behind", async (t) => {
  const { test: life } = await backedUp(t);
  const folder = await testFolder(t);
  mkdirSync(join(folder, "taken.phylax-keys"));
  const source = { ...life.life, keysFolder: life.keysFolder };
  const refused = await backUp(source, join(folder, "taken.phylax-keys"));
  assert.equal(codeOf(refused), "storage-unavailable");
});

/** Restores the rows with the ring that a new start would open from the backup. */
async function restored(
  t: TestContext,
  { test: life }: Backed,
  path: string,
): Promise<RestoredRows> {
  const verified = valueOf(await readBackup(path, nothing));
  const home = await testKeyHome(t);
  mkdirSync(home.folder, { mode: 0o700 });
  const { ring, rootKey } = verified.head;
  writeFileSync(join(home.folder, "key-ring.json"), ring, { mode: 0o600 });
  writeFileSync(join(home.folder, "root.key"), rootKey ?? "", { mode: 0o600 });
  const opened = valueOf(await openKeyHome(home));
  return valueOf(
    await restoreRows({
      db: life.life.db,
      ring: opened.keeper.current(),
      clock: systemClock,
      path,
      verified,
      onProgress: () => {},
    }),
  );
}

/** Puts the table back to what a copy of the database had. */
async function putBack({ test: life }: Backed, copy: readonly CopiedKey[]): Promise<void> {
  const { db } = life.life;
  await db.query("DELETE FROM keyring.data_key");
  for (const { key } of copy)
    await db.query(
      `INSERT INTO keyring.data_key (compartment, dek_version, kek_epoch, wrapped, commitment, created_at)
       VALUES ($1, $2, $3, $4, $5, now())`,
      [
        key.compartment,
        key.dekVersion,
        key.kekEpoch,
        Buffer.from(key.wrapped, "base64url"),
        Buffer.from(key.commitment, "base64url"),
      ],
    );
}

test("old data with the newest backup of the keys opens everyone but the shredded", async (t) => {
  const backed = await backedUp(t);
  const { test: life, made } = backed;
  const copy = await storedKeys(life);
  const [ana] = [...made.keys()].filter((compartment) => compartment !== "organisation");
  const patient = copy.map(({ key }) => key.compartment).find((one) => one === ana);
  assert.ok(patient !== undefined);
  const order = { reason: "ordered", officer: "a", secondOfficer: "b" };
  const shredded = valueOf(
    await life.work(async (work) => {
      const whose = await patientOf(work.life, patient);
      return whose.ok ? shred(work, { ...order, patient: whose.value }) : whose;
    }),
  );
  assert.ok(shredded.backup !== null);
  await putBack(backed, copy);
  await runAsAdmin(life.database.admin, [
    "DELETE FROM keyring.shredded",
    "DELETE FROM keyring.epoch_floor",
  ]);
  const opened = await openedKeys(life);
  assert.ok(
    [...opened.values()].every((key) => key === null),
    "the old rows open nothing by themselves",
  );
  const rows = await restored(t, backed, shredded.backup);
  assert.deepEqual(rows, { keysReplaced: made.size - 1, keysDestroyed: 1, keysLost: 0 });
  const survivors = new Map([...made].filter(([compartment]) => compartment !== patient));
  assert.deepEqual(await openedKeys(life), survivors);
});

test("keys that were made after the backup stay as they are", async (t) => {
  const backed = await backedUp(t);
  const { test: life, made, path } = backed;
  const later = await makeKeys(life, [somePatient()]);
  const rows = await restored(t, backed, path);
  assert.deepEqual(rows, { keysReplaced: 0, keysDestroyed: 0, keysLost: 0 });
  assert.deepEqual(await openedKeys(life), new Map([...made, ...later]));
});

test("keys that the restored ring does not open are counted", async (t) => {
  const backed = await backedUp(t);
  const { test: life, path } = backed;
  valueOf(await life.work((work) => rotate(work, { retireOld: false })));
  await makeKeys(life, [somePatient()]);
  assert.equal((await restored(t, backed, path)).keysLost, 1);
});

test("a backup whose keys its own ring does not open changes no row", async (t) => {
  const backed = await backedUp(t);
  const { test: life, path } = backed;
  const verified = valueOf(await readBackup(path, nothing));
  const other = valueOf(await openKeyHome(await testKeyHome(t)));
  await life.life.db.query("DELETE FROM keyring.data_key");
  const refused = await restoreRows({
    db: life.life.db,
    ring: other.keeper.current(),
    clock: systemClock,
    path,
    verified,
    onProgress: () => {},
  });
  assert.equal(codeOf(refused), "key-ring-refused");
  assert.deepEqual(await storedKeys(life), []);
});

test("a ring is older when it lacks the newest epoch or still has one that was destroyed", () => {
  const ring = (epochs: readonly number[]): Parameters<typeof isOlder>[0] => ({
    ring: "a",
    epochs,
  });
  assert.equal(isOlder(ring([1, 2]), ring([1, 2])), false);
  assert.equal(isOlder(ring([1, 2, 3]), ring([1, 2])), false);
  assert.equal(isOlder(ring([2]), ring([1, 2])), false);
  assert.equal(isOlder(ring([1, 2]), ring([1, 2, 3])), true);
  assert.equal(isOlder(ring([1, 2]), ring([2])), true);
  assert.equal(isOlder({ ring: "b", epochs: [9] }, ring([1])), null);
  assert.equal(ringFacts("{}"), null);
});
