import { createHash, getFips } from "node:crypto";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { parseEscrow, printEscrow, type EscrowedRing } from "#keys/escrow-contents.ts";
import { kekBytes } from "#keys/ring-file.ts";

/** A fresh age key pair; `identity` is the secret that opens what is sealed to `recipient`. */
export interface EscrowIdentity {
  readonly identity: string;
  readonly recipient: string;
}

/** ML-KEM-768 with X25519 (C2SP age, "hybrid"): what is kept for years must outlast either. */
const hybridRecipient = /^age1pq1[02-9ac-hj-np-z]{1900,2100}$/;
const hybridIdentity = /^AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58}$/;

/** Makes the pair that one escrow is sealed to; the chance is that of age-encryption itself. */
export async function makeEscrowIdentity(): Promise<EscrowIdentity> {
  const identity = await generateHybridIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Names an identity without telling it: the SHA-256 of its recipient, 64 hex digits. */
export function recipientFingerprint(recipient: string): string {
  return createHash("sha256").update(recipient).digest("hex");
}

/** The fingerprint of what this identity opens; null when it is no hybrid age identity. */
export async function identityFingerprint(identity: string): Promise<string | null> {
  if (!hybridIdentity.test(identity)) return null;
  try {
    return recipientFingerprint(await identityToRecipient(identity));
  } catch {
    return null;
  }
}

/**
 * Seals the KEKs into a binary age file that only this recipient's identity opens. Fails with
 * "parameter-invalid" when the recipient is not a hybrid post-quantum one, and with
 * "fips-unavailable" in FIPS mode: age is made of ChaCha20-Poly1305 and X25519, outside any module.
 */
export async function sealForEscrow(
  ring: EscrowedRing,
  recipient: string,
): Promise<Result<Buffer>> {
  if (getFips() === 1) return notApproved;
  if (!hybridRecipient.test(recipient)) return notHybrid;
  if (ring.epochs.length === 0 || ring.epochs.some(({ kek }) => kek.length !== kekBytes))
    return refuse("key-ring-refused", { detail: "the ring has no epochs to put into escrow" });
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch {
    return notHybrid;
  }
  const plain = printEscrow(ring);
  try {
    return ok(Buffer.from(await encrypter.encrypt(plain)));
  } finally {
    plain.fill(0);
  }
}

/**
 * Opens an escrow file with the identity that the shares gave. Fails with "escrow-refused" when
 * the identity is another's, or a byte of the file was changed. The caller wipes the KEKs.
 */
export async function openEscrow(file: Buffer, identity: string): Promise<Result<EscrowedRing>> {
  if (getFips() === 1) return notApproved;
  let plain: Buffer;
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    plain = Buffer.from(await decrypter.decrypt(file));
  } catch {
    return refuse("escrow-refused", {
      detail: "the shares do not open this escrow file: it belongs to others, or was altered",
    });
  }
  const ring = parseEscrow(plain);
  plain.fill(0);
  return ring === null
    ? refuse("escrow-refused", { detail: "the escrow file holds no key ring of ours" })
    : ok(ring);
}

const notHybrid = refuse("parameter-invalid", {
  detail: "the recipient is not a hybrid post-quantum age recipient (age1pq1…)",
});

const notApproved = refuse("fips-unavailable", {
  detail: "the age format uses algorithms that FIPS mode does not approve; back up the KMS instead",
});
