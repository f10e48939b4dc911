import { X509Certificate } from "node:crypto";
import { decodeAttestationObject } from "@simplewebauthn/server/helpers";
import { parseInstant, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";

/** WebAuthn Level 3 §8: formats whose statements come with certificates and are checked here. */
export const attestationFormats = ["packed", "tpm", "android-key", "apple"] as const;
export type AttestationFormat = (typeof attestationFormats)[number];

/** The operator's own, by format. When there are none at all, nothing is asked for or believed. */
export type AttestationRoots = ReadonlyMap<AttestationFormat, readonly X509Certificate[]>;

/** Which root vouches for an authenticator, by the SHA-256 of its certificate, and until when. */
export interface Vouched {
  readonly root: Buffer;
  readonly until: Instant;
}

export type Attestation =
  /** Nobody vouches for it: it came without a statement, or with one that it signed itself. */
  | { readonly kind: "none" }
  | ({ readonly kind: "vouched" } & Vouched)
  /** By somebody whom the operator does not know. */
  | { readonly kind: "refused" };

const chainMost = 6;
const refused: Attestation = { kind: "refused" };

/** The certificates of a PEM text; null when one of them is none. */
export function parseRoots(pem: string): readonly X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    // node:crypto throws for whatever it cannot read.
    return null;
  }
}

export const rootThumbprint = ({ fingerprint256 }: X509Certificate): Buffer =>
  Buffer.from(fingerprint256.replaceAll(":", ""), "hex");

const isTimely = (one: X509Certificate, now: Instant): boolean =>
  one.validFromDate.getTime() <= now && one.validToDate.getTime() > now;

const isIssuedBy = (one: X509Certificate, issuer: X509Certificate): boolean =>
  issuer.ca && one.checkIssued(issuer) && one.verify(issuer.publicKey);

/** RFC 5280 §6.1 without policies and revocation: leaf first, each issued by the next, the last by a root. */
function chainTo(
  roots: readonly X509Certificate[],
  chain: readonly X509Certificate[],
  now: Instant,
): Vouched | null {
  const last = chain.at(-1);
  if (last === undefined || chain.length > chainMost) return null;
  const isWhole = chain.every((one, at) => {
    const issuer = chain[at + 1];
    return isTimely(one, now) && (issuer === undefined || isIssuedBy(one, issuer));
  });
  const root = roots.find(
    (known) => isTimely(known, now) && (last.raw.equals(known.raw) || isIssuedBy(last, known)),
  );
  if (!isWhole || root === undefined) return null;
  const ends = [...chain, root].map(({ validToDate }) => validToDate.getTime());
  const until = parseInstant(Math.min(...ends));
  invariant(until !== null, "a certificate that is valid now has an end");
  return { root: rootThumbprint(root), until };
}

/**
 * Who vouches for the authenticator that made this attestation object, whose signature was checked
 * already. The library takes a chain to any root where it was given none, so the chain is followed
 * here, and a format for which the operator named no root is refused.
 */
export function attestationOf(
  attestationObject: Uint8Array<ArrayBuffer>,
  { roots, now }: { readonly roots: AttestationRoots; readonly now: Instant },
): Attestation {
  if (roots.size === 0) return { kind: "none" };
  const decoded = decodeAttestationObject(attestationObject);
  const certificates = decoded.get("attStmt").get("x5c");
  if (certificates === undefined || certificates.length === 0) return { kind: "none" };
  const format = attestationFormats.find((known) => known === decoded.get("fmt"));
  const known = format === undefined ? undefined : roots.get(format);
  if (known === undefined) return refused;
  try {
    const chain = certificates.map((der) => new X509Certificate(der));
    const vouched = chainTo(known, chain, now);
    return vouched === null ? refused : { kind: "vouched", ...vouched };
  } catch {
    // node:crypto throws for what is no certificate.
    return refused;
  }
}
