/** The key pair that proves this browser: kept by the browser, its private half readable by nobody. */
export interface DeviceKey {
  /** Makes the pair at first use. Rejects when the browser gives the page no storage. */
  pair(): Promise<CryptoKeyPair>;
}

const databaseName = "phylax";
const storeName = "device";
const keyName = "dpop";

/** An ECDSA P-256 pair for DPoP (RFC 9449 §4.1), not extractable, in IndexedDB. */
export function createDeviceKey(storage: IDBFactory, subtle: SubtleCrypto): DeviceKey {
  let known: Promise<CryptoKeyPair> | null = null;
  const load = async (): Promise<CryptoKeyPair> => {
    const database = await open(storage);
    try {
      return (await find(database)) ?? (await keepFirst(database, await generate(subtle)));
    } finally {
      database.close();
    }
  };
  return {
    pair: () => {
      known ??= load().catch((error: unknown) => {
        known = null;
        throw error;
      });
      return known;
    },
  };
}

async function generate(subtle: SubtleCrypto): Promise<CryptoKeyPair> {
  return subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
}

function open(storage: IDBFactory): Promise<IDBDatabase> {
  const request = storage.open(databaseName, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(storeName));
  return settled(request);
}

async function find(database: IDBDatabase): Promise<CryptoKeyPair | null> {
  return asPair(await settled(database.transaction(storeName).objectStore(storeName).get(keyName)));
}

// Two tabs may make a pair at once: in one transaction the first stays and both use it.
async function keepFirst(database: IDBDatabase, made: CryptoKeyPair): Promise<CryptoKeyPair> {
  const store = database.transaction(storeName, "readwrite").objectStore(storeName);
  const kept = asPair(await settled(store.get(keyName)));
  if (kept !== null) return kept;
  await settled(store.put(made, keyName));
  return made;
}

function asPair(value: unknown): CryptoKeyPair | null {
  if (typeof value !== "object" || value === null) return null;
  if (!("privateKey" in value) || !("publicKey" in value)) return null;
  const { privateKey, publicKey } = value;
  return privateKey instanceof CryptoKey && publicKey instanceof CryptoKey
    ? { privateKey, publicKey }
    : null;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () =>
      reject(request.error ?? new Error("the browser's storage does not answer")),
    );
  });
}
