import type { Problem } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import type { Packed } from "#keys/kms/pkcs11/packed.ts";

export interface OpenOrder {
  readonly order: "open";
  readonly module: string;
  readonly token: string;
  readonly key: string;
  readonly pin: string;
  /** Makes the key, which must not be there yet. */
  readonly make: boolean;
  /** Fresh and random: something is sealed under it to see whether the module still works. */
  readonly nonce: Uint8Array;
}

/** An empty nonce means: unwrap. */
export interface Job {
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly data: Uint8Array;
}

export type ToHsm =
  | OpenOrder
  /** For each id three parts: nonce, associated data, data. */
  | { readonly order: "work"; readonly ids: readonly number[]; readonly parts: Packed }
  | { readonly order: "close" };

export type FromHsm =
  | { readonly said: "opened"; readonly result: Result<null> }
  /** For each id what came out, which is nothing where there is a problem. */
  | {
      readonly said: "done";
      readonly ids: readonly number[];
      readonly problems: readonly (Problem | null)[];
      readonly parts: Packed;
    }
  | { readonly said: "closed" };
