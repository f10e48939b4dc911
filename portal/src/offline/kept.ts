import { isObject } from "../fhir/json.ts";
import type { Lock } from "./lock.ts";

interface Owned {
  readonly account: string;
  /** Id of the lease. */
  readonly lease: string;
  readonly lock: Lock & {
    readonly credential: Uint8Array<ArrayBuffer>;
    readonly salt: Uint8Array<ArrayBuffer>;
  };
}

/** What this browser keeps of a summary; times in ms since the epoch by the server's clock. */
export type Kept =
  | (Owned & {
      readonly state: "readable";
      readonly key: CryptoKey;
      readonly sealed: string;
      readonly endsAtMs: number;
      readonly renewedAtMs: number;
      readonly latestMs: number;
      /** How far the server's clock is ahead of this device's. */
      readonly aheadMs: number;
    })
  /** Key and copy are deleted; at the next sign-in a new copy comes by the same lock. */
  | (Owned & { readonly state: "run-out" });

/** One place in this browser's storage. Every method rejects when the browser gives none. */
export interface Keeping {
  readonly find: () => Promise<Kept | null>;
  readonly keep: (kept: Kept) => Promise<void>;
  readonly drop: () => Promise<void>;
  /** Does the work when nothing else, in whatever tab, is under way here. Must not be called within itself. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>;
}

const databaseName = "phylax-offline";
const storeName = "kept";
const keyName = "summary";

export function createKeeping(storage: IDBFactory, locks: LockManager): Keeping {
  const within = async <T>(
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const database = await open(storage);
    try {
      return await settled(work(database.transaction(storeName, mode).objectStore(storeName)));
    } finally {
      database.close();
    }
  };
  return {
    find: async () => readKept(await within("readonly", (store) => store.get(keyName))),
    keep: async (kept) => {
      await within("readwrite", (store) => store.put(kept, keyName));
    },
    drop: async () => {
      await within("readwrite", (store) => store.delete(keyName));
    },
    turn: async (work) => locks.request(databaseName, work),
  };
}

function open(storage: IDBFactory): Promise<IDBDatabase> {
  const request = storage.open(databaseName, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(storeName));
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () =>
      reject(request.error ?? new Error("the browser's storage does not answer")),
    );
  });
}

/** Null for what was never ours: it is a browser's storage, which other versions wrote too. */
function readKept(value: unknown): Kept | null {
  if (!isObject(value) || !isObject(value["lock"])) return null;
  const { state, account, lease, lock } = value;
  const isOwned =
    typeof account === "string" &&
    typeof lease === "string" &&
    lock["publicKey"] instanceof CryptoKey &&
    typeof lock["wrapped"] === "string" &&
    lock["credential"] instanceof Uint8Array &&
    lock["salt"] instanceof Uint8Array;
  if (!isOwned) return null;
  const times = ["endsAtMs", "renewedAtMs", "latestMs", "aheadMs"];
  const isReadable =
    value["key"] instanceof CryptoKey &&
    typeof value["sealed"] === "string" &&
    times.every((name) => typeof value[name] === "number");
  if (state !== "run-out" && !(state === "readable" && isReadable)) return null;
  return value as unknown as Kept;
}
