import { createHmac } from "node:crypto";
import { fieldBytesMax, writeField } from "#core/fields.ts";
import type { ResourceId, ResourceType, TenantId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { materialOf, type Compartment, type DataKey } from "#vault/data-key.ts";
import { open, seal } from "#vault/gcm.ts";
import { joinRecords, splitRecords } from "#vault/pack.ts";
import { createNoncePool, type NonceDeps } from "#vault/nonce-pool.ts";

/** Where a record lies; sealed in with it, so that it opens in no other place. */
export interface RecordPlace {
  readonly tenant: TenantId;
  readonly compartment: Compartment;
  readonly type: ResourceType;
  readonly id: ResourceId;
  readonly version: number;
  readonly dekVersion: number;
}

export interface RecordCipher {
  /**
   * Format byte, nonce, ciphertext and tag: 29 bytes more than `plain`. Throws when the key is not
   * the one that `place` names, or is worn out.
   */
  seal(key: DataKey, place: RecordPlace, plain: Buffer): Buffer;
  /** Null when it does not open: damaged, or of another place or key. */
  open(key: DataKey, place: RecordPlace, sealed: Buffer): Buffer | null;
  /**
   * Seals many records as one message of this place; counts as one seal. Throws as `seal` does, or
   * when they are beyond `packLimits`.
   */
  pack(key: DataKey, place: RecordPlace, records: readonly Buffer[]): Buffer;
  /**
   * The records of a pack, as views of one buffer: holding on to one holds all. Null when it does
   * not open, or when it is a record and no pack.
   */
  openPack(key: DataKey, place: RecordPlace, sealed: Buffer): readonly Buffer[] | null;
  /** 63-bit keyed token of a search label such as "status=final"; tells nothing across compartments. */
  token(key: DataKey, label: string): bigint;
  /** 16 bytes that are equal when content and key are. */
  contentMac(key: DataKey, content: Buffer): Buffer;
}

/**
 * NIST SP 800-38D §8.3 allows 2^32 random nonces under one key. Restoring an old backup brings back
 * an old count, so we stop at a sixteenth of that.
 */
export const sealsPerKeyMax = 2 ** 28;

/**
 * So many seals before the cap a key gets its successor: far more than can be under way, or be made
 * while the keys process is away.
 */
export const renewalMarginSeals = 2 ** 20;

const contentMacBytes = 16;
const token63 = (1n << 63n) - 1n;
const fhirNameUnits = 64;
const versionUnits = 16;
const aadBytesMax = 512;
const placeBytesMax = 2 * fieldBytesMax(fhirNameUnits) + fieldBytesMax(versionUnits);
/** One field more than a record's AAD has, so that neither opens as the other. */
const packMark = "pack v1";

/** Seals and opens records of one tenant, synchronously, with keys already in memory. */
export function createRecordCipher(tenant: TenantId, deps: NonceDeps): RecordCipher {
  const nonce = createNoncePool(deps);
  // Written anew for each call, which uses it up before it returns.
  const scratch = Buffer.alloc(aadBytesMax + placeBytesMax + fieldBytesMax(packMark.length));

  function aadOf(prefix: Buffer, place: RecordPlace, mark: string | null): Buffer {
    scratch.set(prefix);
    let end = writeField(scratch, prefix.length, place.type);
    end = writeField(scratch, end, place.id);
    end = writeField(scratch, end, String(place.version));
    if (mark !== null) end = writeField(scratch, end, mark);
    return scratch.subarray(0, end);
  }

  const isKeyOf = (key: DataKey, place: RecordPlace): boolean =>
    key.compartment === place.compartment &&
    key.dekVersion === place.dekVersion &&
    place.tenant === tenant;

  function sealAs(mark: string | null, key: DataKey, place: RecordPlace, plain: Buffer): Buffer {
    const material = materialOf(key);
    invariant(isKeyOf(key, place), "a record is sealed with the key that its place names");
    invariant(material.seals < sealsPerKeyMax, "this data key is worn out; it needs a new version");
    material.seals += 1;
    return seal(material.sealing, nonce(), aadOf(material.aadPrefix, place, mark), plain);
  }

  function openAs(
    mark: string | null,
    key: DataKey,
    place: RecordPlace,
    sealed: Buffer,
  ): Buffer | null {
    if (!isKeyOf(key, place)) return null;
    const { sealing, aadPrefix } = materialOf(key);
    return open(sealing, aadOf(aadPrefix, place, mark), sealed);
  }

  return {
    seal: (key, place, plain) => sealAs(null, key, place, plain),
    open: (key, place, sealed) => openAs(null, key, place, sealed),
    pack: (key, place, records) => {
      const joined = joinRecords(records);
      invariant(joined !== null, "a pack holds no more than packLimits says");
      const sealed = sealAs(packMark, key, place, joined);
      joined.fill(0);
      return sealed;
    },
    openPack: (key, place, sealed) => {
      const joined = openAs(packMark, key, place, sealed);
      return joined === null ? null : splitRecords(joined);
    },
    token: (key, label) => {
      const mac = createHmac("sha256", materialOf(key).index()).update(label).digest();
      return mac.readBigUInt64BE(0) & token63;
    },
    contentMac: (key, content) =>
      createHmac("sha256", materialOf(key).content())
        .update(content)
        .digest()
        .subarray(0, contentMacBytes),
  };
}
