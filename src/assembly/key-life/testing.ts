import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { systemClock } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import type { KeyService } from "#core/key-service.ts";
import type { WrappedKey } from "#core/key-wire.ts";
import { refuse, type ProblemCode } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { createKeyClient, createKeyOperator } from "#keys/client.ts";
import { openKeyHome } from "#keys/keys.ts";
import { createKeysServer } from "#keys/server.ts";
import { testFolder, testKeyHome, testPool, testServerDeps } from "#keys/testing.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { testDatabase, type TestDatabase } from "#storage/testing.ts";
import { pageOfKeys, type CopiedKey } from "#vault/key-copy-store.ts";
import { insertKeys } from "#vault/store.ts";
import { backUp, backupName, removeOlderBackups } from "#assembly/key-life/backup.ts";
import type { KeyEvent, KeyLife } from "#assembly/key-life/life.ts";
import type { Work } from "#assembly/key-life/sweep.ts";
import { takeWorkLock } from "#assembly/key-life/work-lock.ts";

export interface TestLife {
  readonly life: KeyLife;
  readonly database: TestDatabase;
  /** As the records process asks. */
  readonly service: KeyService;
  /** As identity asks. */
  readonly identity: KeyService;
  readonly records: Database;
  readonly events: readonly KeyEvent[];
  readonly evicted: readonly string[];
  /** The folder of the keys process, and the one that backups go to. */
  readonly keysFolder: string;
  readonly backups: string;
  /** Takes the lock for as long as the work lasts. */
  work<T>(
    run: (work: Work) => Promise<Result<T>>,
    changed?: Partial<KeyLife> & { leaveStuck?: boolean },
  ): Promise<Result<T>>;
}

/** A keys process with ring and root key of its own, a database, and a desk that only listens. */
export async function testLife(t: TestContext): Promise<TestLife> {
  const database = await testDatabase(t);
  const keyHome = await testKeyHome(t);
  const opened = await openKeyHome(keyHome);
  assert.ok(opened.ok);
  const poolOf = (role: "operator" | "records" | "identity"): ReturnType<typeof testPool> =>
    testPool(t, createKeysServer(testServerDeps(opened.value, { peerOf: () => role })));
  const backups = join(await testFolder(t), "backups");
  const events: KeyEvent[] = [];
  const evicted: string[] = [];
  const notes = new Map<string, string>();
  const { tenant } = database;
  const source = {
    db: database.as("phylax_keeper"),
    keys: createKeyOperator(await poolOf("operator")),
    tenant,
    clock: systemClock,
    keysFolder: keyHome.folder,
  };
  const life: KeyLife = {
    ...source,
    desk: {
      pseudonymOf: async () => refuse("not-found"),
      evict: async (compartments) => {
        evicted.push(...(compartments ?? []));
        return ok(null);
      },
      log: async (event) => {
        events.push(event);
        return ok(null);
      },
      reseal: async () => refuse("not-found"),
    },
    notes: {
      read: (name) => notes.get(name) ?? null,
      write: (name, text) => notes.set(name, text),
      remove: (name) => notes.delete(name),
    },
    backUp: async () => {
      const made = await backUp(source, join(backups, backupName(source)));
      return made.ok ? ok(made.value.path) : made;
    },
    removeOldBackups: removeOlderBackups,
  };
  return {
    life,
    database,
    service: createKeyClient(await poolOf("records")),
    identity: createKeyClient(await poolOf("identity")),
    records: database.as("phylax_records"),
    events,
    evicted,
    keysFolder: keyHome.folder,
    backups,
    work: async (run, { leaveStuck = false, ...changed } = {}) => {
      const lock = await takeWorkLock(lockSession(database));
      if (!lock.ok) return lock;
      try {
        const onProgress = (): void => {};
        return await run({
          life: { ...life, ...changed },
          lock: lock.value,
          onProgress,
          leaveStuck,
        });
      } finally {
        await lock.value.release();
      }
    },
  };
}

/** A connection for a lock, which closes it. */
export function lockSession(database: TestDatabase): Database {
  const connection = database.connection("phylax_keeper");
  return openDatabase({ connection, tenant: database.tenant, maxConnections: 1 });
}

export function somePatient(): Pseudonym {
  const made = parsePseudonym(systemRandom.uuid());
  assert.ok(made !== null);
  return made;
}

export function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? "" : `${result.problem.code} ${result.problem.detail ?? ""}`);
  return result.value;
}

export function codeOf(result: Result<unknown>): ProblemCode | null {
  return result.ok ? null : result.problem.code;
}

/** Makes and stores a key for each compartment; answers the bytes of each, in hex. */
export async function makeKeys(
  { service, records, life }: TestLife,
  compartments: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const asked = compartments.map((compartment) => ({ compartment, dekVersion: 1 }));
  const made = valueOf(await service.generate(life.tenant, asked));
  await insertKeys(
    records,
    made.map(({ wrapped }) => wrapped),
    systemClock.now(),
  );
  return new Map(made.map(({ wrapped, key }) => [wrapped.compartment, key.toString("hex")]));
}

/** Identity's own key, stored as identity stores it. */
export async function makeIdentityKey({ identity, database, life }: TestLife): Promise<string> {
  const asked = [{ compartment: "identity", dekVersion: 1 }];
  const [made] = valueOf(await identity.generate(life.tenant, asked));
  assert.ok(made !== undefined);
  await database
    .as("phylax_identity")
    .query("INSERT INTO identity.secret (name, sealed) VALUES ('wrapped-key', $1)", [
      Buffer.from(JSON.stringify(made.wrapped)),
    ]);
  return made.key.toString("hex");
}

/** Every stored key. */
export async function storedKeys({ life }: TestLife): Promise<readonly CopiedKey[]> {
  return pageOfKeys(life.db, life.tenant, null, 10_000);
}

/** What each stored key opens to, in hex; null for one that does not open. */
export async function openedKeys(
  test: TestLife,
  keys?: readonly WrappedKey[],
): Promise<ReadonlyMap<string, string | null>> {
  const asked = keys ?? (await storedKeys(test)).map(({ key }) => key);
  const answers = valueOf(await test.service.unwrap(asked));
  return new Map(
    answers.map((answer, i) => [
      asked[i]?.compartment ?? "",
      answer.ok ? answer.key.toString("hex") : null,
    ]),
  );
}

/**
 * The same life in which the nth call of anything that leaves the command fails, as if the command
 * had been killed there: `before` the call took effect, or after it.
 */
export function cutAt(
  life: KeyLife,
  nth: number,
  when: "before" | "after",
): { readonly life: KeyLife; readonly wasCut: () => boolean } {
  let calls = 0;
  const cutting =
    <A extends readonly unknown[], T>(call: (...args: A) => Promise<Result<T>>) =>
    async (...args: A): Promise<Result<T>> => {
      calls += 1;
      const isCut = calls >= nth;
      if (isCut && (when === "before" || calls > nth)) return refuse("upstream-unavailable");
      const answer = await call(...args);
      return isCut ? refuse("upstream-unavailable") : answer;
    };
  const { keys, desk } = life;
  return {
    wasCut: () => calls >= nth,
    life: {
      ...life,
      keys: {
        ...keys,
        status: cutting(() => keys.status()),
        startEpoch: cutting(() => keys.startEpoch()),
        rewrap: cutting((some: readonly WrappedKey[]) => keys.rewrap(some)),
        retireEpochs: cutting((before: number) => keys.retireEpochs(before)),
        ring: cutting(() => keys.ring()),
      },
      desk: {
        ...desk,
        evict: cutting((some: readonly string[] | null) => desk.evict(some)),
        log: cutting((event: KeyEvent) => desk.log(event)),
      },
      backUp: cutting(() => life.backUp()),
      removeOldBackups: cutting((newest: string) => life.removeOldBackups(newest)),
    },
  };
}
