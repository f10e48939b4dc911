import { createHash, createHmac, createSecretKey, hkdfSync, timingSafeEqual } from "node:crypto";
import { toIso, type Instant } from "#core/clock.ts";
import { encodeFields } from "#core/fields.ts";
import { kekBytes, ringFileLimits, type RingContents } from "#keys/ring-file.ts";
import { bytesOf, exactObject, isoInstant, jsonOf, listOf, wholeNumber } from "#keys/shape.ts";

/** A key-encryption key in the clear; whoever holds it overwrites `kek` after use. */
export interface EscrowedEpoch {
  readonly epoch: number;
  readonly createdAt: Instant;
  /** 32 bytes. */
  readonly kek: Buffer;
}

export interface EscrowedRing {
  /** The uuid that the ring file has. */
  readonly ring: RingContents["ring"];
  /** Rising, at least one. */
  readonly epochs: readonly EscrowedEpoch[];
}

const sealBytes = 32;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const lineEnd = 0x0a;

/** The head has about 70 bytes an epoch. */
export const escrowLimits = {
  headBytes: 256 * ringFileLimits.epochs,
} as const;

/**
 * An age file says nothing of who made it: anyone may encrypt to a recipient. This seal under the
 * newest KEK does: only a holder of that key could bring these older ones together with it.
 */
function sealOf({ ring, epochs }: EscrowedRing): Buffer {
  const newest = epochs.at(-1)?.kek ?? Buffer.alloc(0);
  const key = Buffer.from(
    hkdfSync("sha256", createSecretKey(newest), "", "phylax escrow seal v1", sealBytes),
  );
  const fields = epochs.flatMap(({ epoch, createdAt, kek }) => [
    String(epoch),
    toIso(createdAt),
    createHash("sha256").update(kek).digest("hex"),
  ]);
  const seal = createHmac("sha256", key)
    .update(encodeFields(["phylax escrow v1", ring, ...fields]))
    .digest();
  key.fill(0);
  return seal;
}

/**
 * What goes into the age file: one line of JSON that names the ring and its epochs, then the KEKs,
 * 32 bytes each in the same order. As bytes, because a text could not be overwritten after use.
 */
export function printEscrow(ring: EscrowedRing): Buffer {
  const head = {
    format: "phylax-escrow",
    version: 1,
    ring: ring.ring,
    epochs: ring.epochs.map(({ epoch, createdAt }) => ({ epoch, createdAt: toIso(createdAt) })),
    seal: sealOf(ring).toString("base64url"),
  };
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(head)}\n`),
    ...ring.epochs.map(({ kek }) => kek),
  ]);
}

/** Null when the bytes have not the form or the seal does not hold. The KEKs are copies. */
export function parseEscrow(bytes: Buffer): EscrowedRing | null {
  const end = bytes.indexOf(lineEnd);
  if (end < 0 || end > escrowLimits.headBytes) return null;
  const names = ["format", "version", "ring", "epochs", "seal"] as const;
  const head = exactObject(jsonOf(bytes.toString("utf8", 0, end)), names);
  if (head === null || head.format !== "phylax-escrow" || head.version !== 1) return null;
  if (typeof head.ring !== "string" || !uuid.test(head.ring)) return null;
  const named = listOf(head.epochs, ringFileLimits.epochs, parseEpoch);
  const seal = bytesOf(head.seal, sealBytes);
  if (named === null || named.length === 0 || seal === null || !isRising(named)) return null;
  const keys = bytes.subarray(end + 1);
  if (keys.length !== named.length * kekBytes) return null;
  const epochs = named.map((name, i) => ({
    ...name,
    kek: Buffer.from(keys.subarray(i * kekBytes, (i + 1) * kekBytes)),
  }));
  const ring = { ring: head.ring, epochs };
  if (timingSafeEqual(seal, sealOf(ring))) return ring;
  wipeEscrow(ring);
  return null;
}

/** Overwrites every KEK. */
export function wipeEscrow({ epochs }: EscrowedRing): void {
  for (const { kek } of epochs) kek.fill(0);
}

function parseEpoch(value: unknown): Omit<EscrowedEpoch, "kek"> | null {
  const entry = exactObject(value, ["epoch", "createdAt"]);
  const epoch = wholeNumber(entry?.epoch, 1, ringFileLimits.epochMax);
  const createdAt = isoInstant(entry?.createdAt);
  return epoch === null || createdAt === null ? null : { epoch, createdAt };
}

function isRising(epochs: readonly { readonly epoch: number }[]): boolean {
  return epochs.every(({ epoch }, i) => i === 0 || epoch > (epochs[i - 1]?.epoch ?? 0));
}
