/** What the keys process is asked and answers, over mutual TLS as JSON. */

/** A data key as the database keeps it. */
export interface WrappedKey {
  /** The compartment whose records it seals: a patient's pseudonym, "organisation" or "identity". */
  readonly compartment: string;
  readonly tenant: string;
  /** Counts up from 1 within a compartment. */
  readonly dekVersion: number;
  readonly kekEpoch: number;
  /** AES-256-GCM of the 32-byte key under the KEK of that epoch: nonce, ciphertext, tag; base64url. */
  readonly wrapped: string;
  /** Key commitment: HMAC-SHA-256 of the data key over tenant, compartment and version; base64url. */
  readonly commitment: string;
}

export interface UnwrapRequest {
  readonly keys: readonly WrappedKey[];
}

/** `key` is 32 bytes in base64url; a key that does not unwrap fails alone, by code. */
export interface UnwrapAnswer {
  readonly keys: readonly (
    | { readonly ok: true; readonly key: string }
    | { readonly ok: false; readonly code: "wrong-epoch" | "damaged" | "not-yours" }
  )[];
  /** What the keys process noticed about the caller, by name; left out when nothing. */
  readonly signals?: readonly KeySignal[];
}

/**
 * "unwrap-storm": more patients in an hour than the caller's soft limit or than it ever needed.
 * "unwrap-brake": the hard limit; further patients are refused. "clock-set-back": the keys process's
 * clock shows less than it showed before. "key-log-mended": a start found its own log altered,
 * or its end cut off by a crash and had to put that aside.
 */
export const keySignals = [
  "unwrap-storm",
  "unwrap-brake",
  "clock-set-back",
  "key-log-mended",
] as const;
export type KeySignal = (typeof keySignals)[number];

export interface GenerateRequest {
  readonly tenant: string;
  readonly compartments: readonly { readonly compartment: string; readonly dekVersion: number }[];
}

export interface GenerateAnswer {
  readonly keys: readonly { readonly wrapped: WrappedKey; readonly key: string }[];
}

/**
 * Keys of one tenant to be wrapped under the newest epoch, in columns of one length: to read ten
 * thousand objects takes longer than to wrap as many keys. Commitments stay where they are.
 */
export interface RewrapRequest {
  readonly tenant: string;
  readonly compartments: readonly string[];
  readonly dekVersions: readonly number[];
  readonly kekEpochs: readonly number[];
  /** The wrapped keys one behind the other, 60 bytes each; base64url. */
  readonly wrapped: string;
}

export interface RewrapAnswer {
  /** The epoch under which they are now. */
  readonly kekEpoch: number;
  /** Those that were wrapped anew, in order, one behind the other; base64url. */
  readonly wrapped: string;
  /** The others, by their place in the request, rising. */
  readonly refused: readonly {
    readonly place: number;
    readonly code: "wrong-epoch" | "damaged" | "not-yours";
  }[];
}

export interface KekEpoch {
  readonly epoch: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface KeyStatus {
  readonly kms: string;
  /** The epoch under which new keys are wrapped. */
  readonly kekEpoch: number;
  /** Every epoch that the ring still has, rising. */
  readonly epochs: readonly KekEpoch[];
  /** Data keys unwrapped since the process started. */
  readonly unwraps: number;
  /** How far the keys process's own log reaches; written down elsewhere it shows a cut-off end. */
  readonly log: KeyLogHead;
}

export interface KeyLogHead {
  /** Number of lines ever written. */
  readonly lines: number;
  /** SHA-256 of the last line, base64url; zero bytes when there is none. */
  readonly hash: string;
}

export const keyLimits = { keysPerRequest: 1_000, rewrapsPerRequest: 10_000 } as const;
