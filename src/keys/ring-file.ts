import { createHmac, hkdfSync, timingSafeEqual, type KeyObject } from "node:crypto";
import { toIso, type Instant } from "#core/clock.ts";
import { encodeFields } from "#core/fields.ts";
import { gcm } from "#keys/gcm.ts";
import { bytesOf, exactObject, isoInstant, jsonOf, listOf, wholeNumber } from "#keys/shape.ts";

/** A key-encryption key as the ring file keeps it. */
export interface WrappedEpoch {
  /** Counts up from 1; never used again once it is gone. */
  readonly epoch: number;
  readonly createdAt: Instant;
  /** Under the root key, with `epochContext` as its context. */
  readonly wrapped: Buffer;
}

export interface RingContents {
  /** Names this ring for ever; a uuid. */
  readonly ring: string;
  /** The KMS that wrapped the epochs. */
  readonly kms: string;
  /** Rising; the last one wraps new keys. */
  readonly epochs: readonly WrappedEpoch[];
}

export interface RingFile {
  readonly contents: RingContents;
  readonly seal: Buffer;
}

export const ringFileLimits = { bytes: 1024 * 1024, epochs: 4_096, epochMax: 2 ** 31 - 1 } as const;
export const kekBytes = 32;
const sealBytes = 32;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const kmsName = /^[a-z0-9-]{1,32}$/;
/** Other KMS kinds wrap in forms of their own; none of them comes near this. */
const wrappedBytesMax = 1_024;

/** Binds a wrapped KEK to its ring and number, so that epochs cannot be exchanged. */
export function epochContext(ring: string, epoch: number): string {
  return `phylax kek v1 ${ring} ${epoch}`;
}

/**
 * Authenticates the whole ring under its newest KEK: each epoch is wrapped on its own, so without
 * this an epoch could be dropped or a retired one made the newest again without notice.
 */
export function sealOf({ ring, kms, epochs }: RingContents, newest: KeyObject): Buffer {
  const key = Buffer.from(hkdfSync("sha256", newest, "", "phylax key ring seal v1", sealBytes));
  const fields = epochs.flatMap(({ epoch, createdAt, wrapped }) => [
    String(epoch),
    toIso(createdAt),
    wrapped.toString("base64url"),
  ]);
  return createHmac("sha256", key)
    .update(encodeFields(["phylax key ring v1", ring, kms, ...fields]))
    .digest();
}

export function isSealed({ contents, seal }: RingFile, newest: KeyObject): boolean {
  return timingSafeEqual(seal, sealOf(contents, newest));
}

export function printRingFile({ contents, seal }: RingFile): string {
  const file = {
    format: "phylax-key-ring",
    version: 1,
    ring: contents.ring,
    kms: contents.kms,
    epochs: contents.epochs.map(({ epoch, createdAt, wrapped }) => ({
      epoch,
      createdAt: toIso(createdAt),
      wrapped: wrapped.toString("base64url"),
    })),
    seal: seal.toString("base64url"),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Null when the text has not the form; whether it is genuine is for `isSealed` to say. */
export function parseRingFile(text: string): RingFile | null {
  const file = exactObject(jsonOf(text), ["format", "version", "ring", "kms", "epochs", "seal"]);
  if (file === null || file.format !== "phylax-key-ring" || file.version !== 1) return null;
  const { ring, kms } = file;
  if (typeof ring !== "string" || !uuid.test(ring)) return null;
  if (typeof kms !== "string" || !kmsName.test(kms)) return null;
  const epochs = listOf(file.epochs, ringFileLimits.epochs, parseEpoch);
  const seal = bytesOf(file.seal, sealBytes);
  if (epochs === null || seal === null || !isRising(epochs)) return null;
  return { contents: { ring, kms, epochs }, seal };
}

function parseEpoch(value: unknown): WrappedEpoch | null {
  const entry = exactObject(value, ["epoch", "createdAt", "wrapped"]);
  if (entry === null || typeof entry.wrapped !== "string") return null;
  const epoch = wholeNumber(entry.epoch, 1, ringFileLimits.epochMax);
  const createdAt = isoInstant(entry.createdAt);
  const wrapped = bytesOf(entry.wrapped, Math.floor((entry.wrapped.length * 3) / 4));
  if (epoch === null || createdAt === null || wrapped === null) return null;
  if (wrapped.length < kekBytes + gcm.tagBytes || wrapped.length > wrappedBytesMax) return null;
  return { epoch, createdAt, wrapped };
}

function isRising(epochs: readonly WrappedEpoch[]): boolean {
  return (
    epochs.length > 0 &&
    epochs.every(({ epoch }, i) => i === 0 || epoch > (epochs[i - 1]?.epoch ?? 0))
  );
}
