/** How many callers one question to the database serves at most. */
const askedAtOnce = 64;

interface Waiting<K, V> {
  readonly key: K;
  readonly resolve: (value: V) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Asks for one thing at a time, and for all that came to be wanted meanwhile in one further question:
 * nobody waits for others to come, and under load most of the cost of asking is shared. `findAll`
 * answers in the order of its keys; when it throws, so do all who waited for it.
 */
export function coalesce<K, V>(
  findAll: (keys: readonly K[]) => Promise<readonly V[]>,
): (key: K) => Promise<V> {
  const waiting: Waiting<K, V>[] = [];
  let isAsking = false;
  const ask = async (asked: readonly Waiting<K, V>[]): Promise<void> => {
    try {
      const found = await findAll(asked.map(({ key }) => key));
      for (const [at, value] of found.entries()) asked[at]?.resolve(value);
      for (const { reject } of asked.slice(found.length)) reject(new Error("an answer is missing"));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  };
  const askAll = async (): Promise<void> => {
    isAsking = true;
    while (waiting.length > 0) await ask(waiting.splice(0, askedAtOnce));
    isAsking = false;
  };
  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (!isAsking) askAll().catch(reject);
    });
}
