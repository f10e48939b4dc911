import type { KeyObject } from "node:crypto";
import { toIso, type Instant } from "#core/clock.ts";
import { encodeFields } from "#core/fields.ts";
import { isCommitted, keyCommitment, type KeyName } from "#core/key-commitment.ts";
import type { RewrappedKey, UnwrappedKey } from "#core/key-service.ts";
import type { KekEpoch, WrappedKey } from "#core/key-wire.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { gcm, openUnder, sealUnder } from "#keys/gcm.ts";

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
  /**
   * Wraps each key under the current epoch, in order; none is handed out. Refuses as `unwrap` does,
   * but leaves the commitment to it: that stays as it is, and so does whether the key opens.
   */
  rewrap(keys: readonly WrappedKey[]): readonly RewrappedKey[];
}

/** An epoch whose KEK is open in memory. */
export interface OpenEpoch {
  readonly epoch: number;
  readonly createdAt: Instant;
  readonly kek: KeyObject;
}

/** NIST SP 800-38D §8.3: no more than 2^32 messages under one key with random nonces. */
const wrapsPerEpochMax = 2 ** 32;
const dataKeyBytes = 32;

/** A ring of these epochs, rising and at least one; `kms` names what wraps them on disk. */
export function keyRing(kms: string, epochs: readonly OpenEpoch[], random: Random): KeyRing {
  const newest = epochs.at(-1);
  invariant(newest !== undefined, "a key ring has at least one epoch");
  const { epoch: currentEpoch, kek: current } = newest;
  const keks = new Map(epochs.map(({ epoch, kek }) => [epoch, kek]));
  let wraps = 0;

  function seal(name: KeyName, key: Buffer, nonce: Buffer): string {
    wraps += 1;
    invariant(wraps < wrapsPerEpochMax, "this KEK epoch is worn out");
    invariant(key.length === dataKeyBytes, "a data key has 32 bytes");
    const aad = wrapAad(name, currentEpoch);
    return sealUnder(current, { nonce, aad, plain: key }).toString("base64url");
  }

  /** Only a holder of the KEK can have sealed it under this name. */
  function open(wrapped: WrappedKey): UnwrappedKey {
    const kek = keks.get(wrapped.kekEpoch);
    if (kek === undefined) return { ok: false, code: "wrong-epoch" };
    const sealed = Buffer.from(wrapped.wrapped, "base64url");
    const key = openUnder(kek, wrapAad(wrapped, wrapped.kekEpoch), sealed);
    return key?.length === dataKeyBytes ? { ok: true, key } : { ok: false, code: "damaged" };
  }

  function unwrap(wrapped: WrappedKey): UnwrappedKey {
    const opened = open(wrapped);
    if (!opened.ok || isCommitted(opened.key, wrapped, wrapped.commitment)) return opened;
    opened.key.fill(0);
    return { ok: false, code: "damaged" };
  }

  function rewrapOne(wrapped: WrappedKey, nonce: Buffer): RewrappedKey {
    const opened = open(wrapped);
    if (!opened.ok) return opened;
    try {
      return { ok: true, kekEpoch: currentEpoch, wrapped: seal(wrapped, opened.key, nonce) };
    } finally {
      opened.key.fill(0);
    }
  }

  return {
    kms,
    currentEpoch,
    epochs: epochs.map(({ epoch, createdAt }) => ({ epoch, createdAt: toIso(createdAt) })),
    wrap: (name, key) => ({
      tenant: name.tenant,
      compartment: name.compartment,
      dekVersion: name.dekVersion,
      kekEpoch: currentEpoch,
      wrapped: seal(name, key, random.bytes(gcm.nonceBytes)),
      commitment: keyCommitment(key, name).toString("base64url"),
    }),
    unwrap,
    rewrap: (keys) => {
      // Asking for each nonce alone would cost as much as sealing with it.
      const nonces = random.bytes(keys.length * gcm.nonceBytes);
      return keys.map((wrapped, i) => {
        const at = i * gcm.nonceBytes;
        return rewrapOne(wrapped, nonces.subarray(at, at + gcm.nonceBytes));
      });
    },
  };
}

function wrapAad({ tenant, compartment, dekVersion }: KeyName, epoch: number): Buffer {
  return encodeFields([
    "phylax data key v1",
    tenant,
    compartment,
    String(dekVersion),
    String(epoch),
  ]);
}
