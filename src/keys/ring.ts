import type { KeyObject } from "node:crypto";
import { toIso, type Instant } from "#core/clock.ts";
import { fieldBytesMax, writeField } from "#core/fields.ts";
import { isCommitted, keyCommitment, type KeyName } from "#core/key-commitment.ts";
import type { UnwrappedKey } from "#core/key-service.ts";
import type { KekEpoch, WrappedKey } from "#core/key-wire.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { gcm, openUnder, sealInto, sealUnder } from "#keys/gcm.ts";
import type { KeyTold } from "#keys/key-use.ts";

/** The key-encryption keys by epoch, in memory; they wrap and unwrap data keys, without waiting. */
export interface KeyRing {
  readonly kms: string;
  /** The epoch under which new keys are wrapped. */
  readonly currentEpoch: number;
  /** Every epoch that can still unwrap, rising. */
  readonly epochs: readonly KekEpoch[];
  /** Wraps a 32-byte data key under the current epoch, bound to its name. */
  wrap(name: KeyName, key: Buffer): WrappedKey;
  /** "wrong-epoch": this ring has not that KEK (any more). "damaged": altered, or another's key. */
  unwrap(wrapped: WrappedKey): UnwrappedKey;
  /** Makes ready to wrap at most so many keys of a tenant under the current epoch. */
  rewrapper(tenant: string, keys: number): Rewrap;
}

/**
 * Wraps the key in `sealed` (wrappedKeyBytes) anew into `out`, of that size, too; null when done.
 * The key is not handed out. Refuses as `unwrap` does, but leaves the commitment to it: that stays
 * as it is, and so does whether the key opens.
 */
export type Rewrap = (
  key: KeyTold,
  sealed: Buffer,
  out: Buffer,
) => "wrong-epoch" | "damaged" | null;

/** An epoch whose KEK is open in memory. */
export interface OpenEpoch {
  readonly epoch: number;
  readonly createdAt: Instant;
  readonly kek: KeyObject;
}

/** NIST SP 800-38D §8.3: no more than 2^32 messages under one key with random nonces. */
const wrapsPerEpochMax = 2 ** 32;
const dataKeyBytes = 32;
/** Nonce, the key as ciphertext, and tag. */
export const wrappedKeyBytes = dataKeyBytes + gcm.overheadBytes;

/** A ring of these epochs, rising and at least one; `kms` names what wraps them on disk. */
export function keyRing(kms: string, epochs: readonly OpenEpoch[], random: Random): KeyRing {
  const newest = epochs.at(-1);
  invariant(newest !== undefined, "a key ring has at least one epoch");
  const { epoch: currentEpoch, kek: current } = newest;
  const keks = new Map(epochs.map(({ epoch, kek }) => [epoch, kek]));
  let wraps = 0;

  function countWrap(key: Buffer): void {
    wraps += 1;
    invariant(wraps < wrapsPerEpochMax, "this KEK epoch is worn out");
    invariant(key.length === dataKeyBytes, "a data key has 32 bytes");
  }

  /** Only a holder of the KEK can have sealed it under this name. */
  function open(kekEpoch: number, sealed: Buffer, aad: Buffer): UnwrappedKey {
    const kek = keks.get(kekEpoch);
    if (kek === undefined) return { ok: false, code: "wrong-epoch" };
    const key = openUnder(kek, aad, sealed);
    return key?.length === dataKeyBytes ? { ok: true, key } : { ok: false, code: "damaged" };
  }

  function unwrap(wrapped: WrappedKey): UnwrappedKey {
    const { tenant, kekEpoch } = wrapped;
    const sealed = Buffer.from(wrapped.wrapped, "base64url");
    const opened = open(kekEpoch, sealed, wrapAads(tenant)(wrapped)(kekEpoch));
    if (!opened.ok || isCommitted(opened.key, wrapped, wrapped.commitment)) return opened;
    opened.key.fill(0);
    return { ok: false, code: "damaged" };
  }

  function rewrapper(tenant: string, keys: number): Rewrap {
    // Asking for each nonce alone would cost as much as sealing with it.
    const nonces = random.bytes(keys * gcm.nonceBytes);
    const aadOf = wrapAads(tenant);
    let next = 0;
    return (told, sealed, out) => {
      invariant(next < nonces.length, "more keys are wrapped anew than were announced");
      const nonce = nonces.subarray(next, next + gcm.nonceBytes);
      next += gcm.nonceBytes;
      const aadUnder = aadOf(told);
      const opened = open(told.kekEpoch, sealed, aadUnder(told.kekEpoch));
      if (!opened.ok) return opened.code === "wrong-epoch" ? opened.code : "damaged";
      const plain = opened.key;
      try {
        countWrap(plain);
        sealInto(out, current, { nonce, aad: aadUnder(currentEpoch), plain });
        return null;
      } finally {
        plain.fill(0);
      }
    };
  }

  function wrap(name: KeyName, key: Buffer): WrappedKey {
    countWrap(key);
    const { tenant, compartment, dekVersion } = name;
    const nonce = random.bytes(gcm.nonceBytes);
    const aad = wrapAads(tenant)(name)(currentEpoch);
    return {
      tenant,
      compartment,
      dekVersion,
      kekEpoch: currentEpoch,
      wrapped: sealUnder(current, { nonce, aad, plain: key }).toString("base64url"),
      commitment: keyCommitment(key, name).toString("base64url"),
    };
  }

  return {
    kms,
    currentEpoch,
    epochs: epochs.map(({ epoch, createdAt }) => ({ epoch, createdAt: toIso(createdAt) })),
    wrap,
    unwrap,
    rewrapper,
  };
}

const aadLabel = "phylax data key v1";
const numberDigits = 16;

/**
 * What binds a wrapped key to its name and epoch: of a tenant's keys, and of a key's epochs, what
 * they share is written once. Each answer holds until the next is asked for.
 */
function wrapAads(
  tenant: string,
): (key: Pick<KeyTold, "compartment" | "dekVersion">) => (epoch: number) => Buffer {
  let room = Buffer.allocUnsafe(0);
  let shared = 0;
  const makeRoom = (units: number): void => {
    const fields = [aadLabel.length, tenant.length, units, numberDigits, numberDigits];
    const bytes = fields.reduce((sum, length) => sum + fieldBytesMax(length), 0);
    if (bytes <= room.length) return;
    room = Buffer.allocUnsafe(bytes);
    shared = writeField(room, writeField(room, 0, aadLabel), tenant);
  };
  return ({ compartment, dekVersion }) => {
    makeRoom(compartment.length);
    const named = writeField(room, writeField(room, shared, compartment), String(dekVersion));
    return (epoch) => room.subarray(0, writeField(room, named, String(epoch)));
  };
}
