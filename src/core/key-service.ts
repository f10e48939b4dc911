import type { KeyStatus, UnwrapAnswer, WrappedKey } from "#core/key-wire.ts";
import type { Result } from "#core/result.ts";

/** A key fresh from the keys process; whoever holds `key` overwrites it after use. */
export type UnwrappedKey =
  | { readonly ok: true; readonly key: Buffer }
  | Extract<UnwrapAnswer["keys"][number], { ok: false }>;

export interface GeneratedKey {
  readonly wrapped: WrappedKey;
  readonly key: Buffer;
}

/**
 * The keys process as its callers see it. Each call fails as a whole with "key-unavailable" when
 * the process is gone, too slow or answers nonsense, and with "forbidden" when it says that the
 * caller may not have such keys.
 */
export interface KeyService {
  /** One answer for each key, in order; any number of keys. */
  unwrap(keys: readonly WrappedKey[]): Promise<Result<readonly UnwrappedKey[]>>;
  /** One fresh key for each compartment and version, in order; nothing is kept of them there. */
  generate(
    tenant: string,
    compartments: readonly { readonly compartment: string; readonly dekVersion: number }[],
  ): Promise<Result<readonly GeneratedKey[]>>;
  status(): Promise<Result<KeyStatus>>;
}
