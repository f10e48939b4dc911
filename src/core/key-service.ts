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

/** A key under the newest epoch: nothing else of it changes. */
export type RewrappedKey =
  | { readonly ok: true; readonly kekEpoch: number; readonly wrapped: string }
  | Extract<UnwrappedKey, { ok: false }>;

/**
 * The keys process as an operator's command sees it, proved by the certificate of the role
 * "operator". No key leaves it here but sealed. Each call fails as those of KeyService do, and with
 * the problem that the keys process names.
 */
export interface KeyOperator {
  status(): Promise<Result<KeyStatus>>;
  /** Adds a KEK epoch, under which everything is wrapped from then on. */
  startEpoch(): Promise<Result<KeyStatus>>;
  /** Wraps data keys of one tenant under the newest epoch, in order; any number of keys. */
  rewrap(keys: readonly WrappedKey[]): Promise<Result<readonly RewrappedKey[]>>;
  /** Destroys every epoch below `before`: what is still wrapped under one of them never opens again. */
  retireEpochs(before: number): Promise<Result<KeyStatus>>;
  /**
   * Lets every host unwrap so many patients' keys more than the brake would, for so many minutes:
   * for announced work on many records. A later call replaces the earlier one.
   */
  liftBrake(patients: number, minutes: number): Promise<Result<KeyStatus>>;
  /** The ring file's text as it lies on disk, sealed. */
  ring(): Promise<Result<string>>;
  /** Wraps all epochs under another root key and goes on with it. `kms` is what kms/config.ts parses. */
  moveKms(kms: unknown): Promise<Result<KeyStatus>>;
  /** The ring's KEKs as an age file for this recipient. */
  escrow(recipient: string): Promise<Result<Buffer>>;
}
