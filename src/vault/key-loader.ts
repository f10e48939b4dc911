import type { Clock } from "#core/clock.ts";
import type { TenantId } from "#core/ids.ts";
import { isCommitted } from "#core/key-commitment.ts";
import type { GeneratedKey, KeyService, UnwrappedKey } from "#core/key-service.ts";
import { keyLimits, type WrappedKey } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import { parseCompartment, takeDataKey, type Compartment, type DataKey } from "#vault/data-key.ts";
import type { KeyCache } from "#vault/key-cache.ts";
import { insertKeys, readKeys, type KeyAsked, type StoredKey } from "#vault/store.ts";

/** Data keys that came into this process's memory, by name; told before any of them is used. */
export interface KeyEvent {
  readonly action: "unwrap" | "key-create";
  readonly keys: readonly Pick<DataKey, "compartment" | "dekVersion" | "kekEpoch">[];
}

export interface KeyLoaderDeps {
  readonly db: Database;
  readonly keys: KeyService;
  readonly tenant: TenantId;
  readonly clock: Clock;
  readonly cache: KeyCache;
  /** Must have recorded the event when it resolves well; when it does not, no key is used. */
  readonly onKeys: (event: KeyEvent) => Promise<Result<unknown>>;
}

export interface KeyLoader {
  /** What memory, else table and keys process have of it; null where no such key was ever made. */
  load(asked: KeyAsked): Promise<Result<DataKey | null>>;
  /** Makes new keys, at most `keysPerRequest`; those that others made first are left out. */
  make(asked: readonly NewKey[]): Promise<Result<readonly DataKey[]>>;
}

/** A version that the compartment does not have yet. */
export interface NewKey {
  readonly compartment: Compartment;
  readonly dekVersion: number;
}

/** Two, so that one slow round does not hold up all; more would only make smaller batches. */
const roundsAtOnce = 2;

interface Waiting {
  readonly asked: KeyAsked;
  readonly resolve: (result: Result<DataKey | null>) => void;
  readonly reject: (error: unknown) => void;
}

/** Fetches each key once however many ask, and all that are asked for meanwhile in one round. */
export function createKeyLoader(deps: KeyLoaderDeps): KeyLoader {
  const flying = new Map<string, Promise<Result<DataKey | null>>>();
  let waiting: Waiting[] = [];
  let rounds = 0;

  function startRounds(): void {
    while (waiting.length > 0 && rounds < roundsAtOnce) {
      const batch = waiting.slice(0, keyLimits.keysPerRequest);
      waiting = waiting.slice(keyLimits.keysPerRequest);
      rounds += 1;
      void answerAll(deps, batch).finally(() => {
        rounds -= 1;
        startRounds();
      });
    }
  }

  function fetch(asked: KeyAsked): Promise<Result<DataKey | null>> {
    return new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject });
      // Whoever asks in the same turn comes along.
      if (waiting.length === 1) queueMicrotask(startRounds);
    });
  }

  return {
    load: (asked) => {
      const name = nameOf(asked);
      const underWay = flying.get(name);
      if (underWay !== undefined) return underWay;
      const flight = fetch(asked).finally(() => flying.delete(name));
      flying.set(name, flight);
      return flight;
    },
    make: (asked) => makeKeys(deps, asked),
  };
}

/** How often a fetch is begun, as keys were evicted or wrapped anew meanwhile, before it is refused. */
const roundsPerFetch = 3;

async function answerAll(deps: KeyLoaderDeps, batch: readonly Waiting[]): Promise<void> {
  const asked = batch.map((each) => each.asked);
  try {
    let found: Awaited<ReturnType<typeof fetchKeys>> = null;
    for (let left = roundsPerFetch - 1; left >= 0 && found === null; left -= 1)
      found = await fetchKeys(deps, asked, left > 0);
    found ??= asked.map(() => refuse("key-unavailable", { detail: "keys are being replaced" }));
    const answers = found;
    batch.forEach(({ resolve }, i) => resolve(answers[i] ?? ok(null)));
  } catch (error) {
    batch.forEach(({ reject }) => reject(error));
  }
}

/**
 * One answer for each key asked, in order; null when keys were evicted while it fetched, or, if
 * `mayLookAgain`, when one was wrapped anew and its old epoch destroyed between reading and unwrapping.
 */
async function fetchKeys(
  deps: KeyLoaderDeps,
  asked: readonly KeyAsked[],
  mayLookAgain: boolean,
): Promise<readonly Result<DataKey | null>[] | null> {
  const { db, keys, tenant, cache } = deps;
  const { evictions } = cache;
  const stored = await attempt(() => readKeys(db, tenant, asked));
  if (!stored.ok) return asked.map(() => stored);
  const answers = await keys.unwrap(stored.value.map(({ wrapped }) => wrapped));
  if (!answers.ok) return asked.map(() => answers);
  if (mayLookAgain && answers.value.some((key) => !key.ok && key.code === "wrong-epoch")) {
    for (const key of answers.value) if (key.ok) key.key.fill(0);
    return null;
  }
  const found = new Map<string, Result<DataKey | null>>();
  const sound: FreshKey[] = [];
  stored.value.forEach((key, i) => {
    const bytes = bytesOf(key.wrapped, answers.value[i]);
    if (bytes.ok) sound.push({ ...key, bytes: bytes.value });
    else for (const name of namesOf(key)) found.set(name, bytes);
  });
  const admitted = await admit(deps, "unwrap", sound, evictions);
  if (admitted === null) return null;
  sound.forEach((key, i) => {
    const result = admitted.ok ? ok(admitted.value[i] ?? null) : admitted;
    for (const name of namesOf(key)) found.set(name, result);
  });
  return asked.map((one) => found.get(nameOf(one)) ?? ok(null));
}

const nameOf = ({ compartment, dekVersion }: KeyAsked): string =>
  `${compartment}/${dekVersion ?? "newest"}`;

function namesOf({ wrapped, isNewest }: StoredKey): readonly string[] {
  const { compartment, dekVersion } = wrapped;
  const exact = `${compartment}/${dekVersion}`;
  return isNewest ? [exact, `${compartment}/newest`] : [exact];
}

function bytesOf(wrapped: WrappedKey, answer: UnwrappedKey | undefined): Result<Buffer> {
  if (answer === undefined || (!answer.ok && answer.code === "not-yours"))
    return refuse("key-unavailable", { detail: "the key service does not know this process" });
  if (!answer.ok && answer.code === "wrong-epoch")
    return refuse("record-damaged", { detail: "the key ring has not the epoch of its key" });
  if (answer.ok && isCommitted(answer.key, wrapped, wrapped.commitment)) return ok(answer.key);
  if (answer.ok) answer.key.fill(0);
  return refuse("record-damaged", { detail: "its key does not unwrap" });
}

async function makeKeys(
  deps: KeyLoaderDeps,
  asked: readonly NewKey[],
): Promise<Result<readonly DataKey[]>> {
  const { keys, tenant } = deps;
  const made = await keys.generate(tenant, asked);
  if (!made.ok) return made;
  try {
    return await keepKeys(deps, made.value);
  } finally {
    for (const { key } of made.value) key.fill(0);
  }
}

async function keepKeys(
  deps: KeyLoaderDeps,
  made: readonly GeneratedKey[],
): Promise<Result<readonly DataKey[]>> {
  const { db, clock, cache } = deps;
  // A row whose commitment is not its key's would never open again what is sealed under it now.
  if (!made.every(({ key, wrapped }) => isCommitted(key, wrapped, wrapped.commitment)))
    return refuse("key-unavailable", { detail: "it made keys that are not those it wrapped" });
  const wrapped = made.map((key) => key.wrapped);
  const inserted = await attempt(() => insertKeys(db, wrapped, clock.now()));
  if (!inserted.ok) return inserted;
  const fresh = made
    .filter((key) => inserted.value.has(key.wrapped.compartment))
    .map((key) => ({ wrapped: key.wrapped, isNewest: true, seals: 0, bytes: key.key }));
  const { evictions } = cache;
  const admitted = await admit(deps, "key-create", fresh, evictions);
  return admitted ?? refuse("key-unavailable", { detail: "keys are being replaced" });
}

interface FreshKey extends StoredKey {
  readonly bytes: Buffer;
}

/**
 * Tells of the keys, then takes them into memory, in order; when it cannot be told, takes none.
 * Null, and none is taken, when keys were evicted since the count was `evictions`: these may be of
 * those whose rows are gone.
 */
async function admit(
  { tenant, cache, onKeys }: KeyLoaderDeps,
  action: KeyEvent["action"],
  fresh: readonly FreshKey[],
  evictions: number,
): Promise<Result<readonly DataKey[]> | null> {
  if (fresh.length === 0) return ok([]);
  try {
    const told = await onKeys({ action, keys: fresh.map(({ wrapped }) => keyNameOf(wrapped)) });
    if (!told.ok) return told;
    if (cache.evictions !== evictions) return null;
    return ok(
      fresh.map(({ wrapped, isNewest, seals, bytes }) => {
        const name = keyNameOf(wrapped);
        return cache.add(takeDataKey(bytes, { tenant, seals, ...name }), isNewest);
      }),
    );
  } finally {
    for (const { bytes } of fresh) bytes.fill(0);
  }
}

function keyNameOf(wrapped: WrappedKey): KeyEvent["keys"][number] {
  const compartment = parseCompartment(wrapped.compartment);
  invariant(compartment !== null, "the key table names a compartment that is none");
  return { compartment, dekVersion: wrapped.dekVersion, kekEpoch: wrapped.kekEpoch };
}
