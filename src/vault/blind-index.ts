import { createHmac, type KeyObject } from "node:crypto";
import { invariant } from "#core/result.ts";
import { materialOf, type DataKey } from "#vault/data-key.ts";

/** The blind indexes, in the order in which the database numbers them from 1: only ever add to the end. */
export const blindIndexes = [
  "identifier",
  "identifier-value",
  "family",
  "given",
  "name-text",
  "phonetic",
  "birth-date",
  "phone",
  "address",
] as const;
export type BlindIndexName = (typeof blindIndexes)[number];

/** One thing to be found by, in the clear: it never leaves the process's memory. */
export interface BlindLabel {
  readonly index: BlindIndexName;
  readonly text: string;
}

/** One generation of all indexes: its number, the organisation's key it is drawn from, its widths. */
export interface BlindVersion {
  readonly version: number;
  /** Version of the organisation's data key. */
  readonly dekVersion: number;
  /** Bits that a token keeps, for each index in the order of `blindIndexes`. */
  readonly bits: readonly number[];
}

/** A token fits a signed 64-bit column. */
export const tokenBitsMax = 63;

const numbers = new Map(blindIndexes.map((index, at) => [index, at + 1]));

/** The number by which the database knows an index. */
export function numberOf(index: BlindIndexName): number {
  const number = numbers.get(index);
  invariant(number !== undefined, "an index of the list has a number");
  return number;
}

// Drawn keys go with the data key they were drawn from: forgotten there, gone here.
const drawn = new WeakMap<DataKey, Map<number, KeyObject>>();
/** More than are ever in use at once: nine a version. */
const keysPerDataKey = 1_000;

function keyOf(key: DataKey, index: BlindIndexName, version: number): KeyObject {
  let known = drawn.get(key);
  if (known === undefined || known.size > keysPerDataKey) {
    known = new Map();
    drawn.set(key, known);
  }
  const place = version * blindIndexes.length + numberOf(index);
  let made = known.get(place);
  if (made === undefined) {
    made = materialOf(key).blind(`phylax blind index v1 ${index} ${version}`);
    known.set(place, made);
  }
  return made;
}

const shifts = Array.from({ length: tokenBitsMax + 1 }, (_, bits) => BigInt(64 - bits));

/**
 * HMAC-SHA-256 of the label under a key of this index and version alone, cut to the index's bits:
 * from 0 up to 2^63 - 1. Throws when `key` is not the organisation's key that the version names.
 */
export function blindToken(key: DataKey, generation: BlindVersion, label: BlindLabel): bigint {
  const { version, dekVersion, bits } = generation;
  const kept = bits[numberOf(label.index) - 1] ?? 0;
  const shift = shifts[kept];
  invariant(
    key.compartment === "organisation" && key.dekVersion === dekVersion,
    "a blind index is made with the organisation's key that its version names",
  );
  invariant(kept > 0 && shift !== undefined, "an index keeps some bits of a token");
  const mac = createHmac("sha256", keyOf(key, label.index, version))
    .update(label.text)
    .digest();
  return mac.readBigUInt64BE(0) >> shift;
}
