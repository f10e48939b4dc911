import type { WrappedKey } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { attempt } from "#storage/storage-problem.ts";
import { readIdentityKey, replaceIdentityKey } from "#vault/keeper-store.ts";
import type { KeyLife } from "#assembly/key-life/life.ts";

/** Reads identity's wrapped key as it lies beside its secrets; null when the text has not the form. */
export function parseIdentityKey(stored: string): WrappedKey | null {
  const value: unknown = JSON.parse(stored);
  if (typeof value !== "object" || value === null) return null;
  const { compartment, tenant, dekVersion, kekEpoch, wrapped, commitment } = value as Readonly<
    Record<string, unknown>
  >;
  const texts = [compartment, tenant, wrapped, commitment].every((one) => typeof one === "string");
  const numbers = [dekVersion, kekEpoch].every((one) => Number.isInteger(one));
  return texts && numbers ? (value as WrappedKey) : null;
}

/**
 * Wraps identity's own key under the newest epoch; answers how many keys that changed: 0 or 1.
 * Identity reads it at its next start. Fails with "record-damaged" when it does not unwrap.
 */
export async function rewrapIdentityKey(
  { db, keys }: Pick<KeyLife, "db" | "keys">,
  kekEpoch: number,
): Promise<Result<number>> {
  const stored = await attempt(() => readIdentityKey(db));
  if (!stored.ok) return stored;
  const before = stored.value;
  if (before === null) return ok(0);
  const key = parseIdentityKey(before);
  if (key === null) return damaged();
  if (key.kekEpoch >= kekEpoch) return ok(0);
  const answers = await keys.rewrap([key]);
  if (!answers.ok) return answers;
  const [answer] = answers.value;
  if (answer?.ok !== true) return damaged();
  const { kekEpoch: newest, wrapped } = answer;
  const after = JSON.stringify({ ...key, kekEpoch: newest, wrapped });
  const replaced = await attempt(() => replaceIdentityKey(db, before, after));
  if (!replaced.ok) return replaced;
  return replaced.value ? ok(1) : refuse("edit-conflict");
}

const damaged = (): ReturnType<typeof refuse> =>
  refuse("record-damaged", { detail: "identity's own key does not unwrap" });
