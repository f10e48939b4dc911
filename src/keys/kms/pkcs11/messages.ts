import type { Result } from "#core/result.ts";

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

/** A nonce means: wrap. */
export interface Job {
  readonly id: number;
  readonly nonce: Uint8Array | null;
  readonly aad: Uint8Array;
  readonly data: Uint8Array;
}

export type ToHsm =
  | OpenOrder
  | { readonly order: "work"; readonly jobs: readonly Job[] }
  | { readonly order: "close" };

export interface Done {
  readonly id: number;
  readonly result: Result<Uint8Array>;
}

export type FromHsm =
  | { readonly said: "opened"; readonly result: Result<null> }
  | { readonly said: "done"; readonly done: readonly Done[] }
  | { readonly said: "closed" };
