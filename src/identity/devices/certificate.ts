// @peculiar/x509 needs this polyfill to be loaded before it.
import "reflect-metadata";
import { hash, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";

export const certificateLimits = {
  /** A device asks for the next one, with this one, before it ends. */
  lifeMs: 7 * 24 * 60 * 60_000,
  /** Clocks of two machines may differ by this much. */
  backdateMs: 5 * 60_000,
  requestChars: 8_192,
  rsaBits: 2_048,
} as const;

/** PEM texts. */
export interface DeviceAuthority {
  readonly key: string;
  readonly certificate: string;
}

export interface DeviceCertificate {
  /** PEM. */
  readonly certificate: string;
  /** RFC 8705 §3.1: `x5t#S256`, the SHA-256 of the certificate in base64url. */
  readonly thumbprint: string;
  readonly endsAt: Instant;
}

const signing = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const day = 24 * 60 * 60_000;
const authorityLifeMs = 3_650 * day;
const serialNumber = (random: Random): string => `01${random.bytes(15).toString("hex")}`;

/**
 * A new authority for the certificates of devices. It is another than the one that proves processes
 * to each other: what a device holds must prove no role.
 */
export async function makeAuthority(clock: Clock, random: Random): Promise<DeviceAuthority> {
  const keys = await webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: `CN=Phylax devices ${random.bytes(4).toString("hex")}`,
    notBefore: new Date(laterBy(clock.now(), -certificateLimits.backdateMs)),
    notAfter: new Date(laterBy(clock.now(), authorityLifeMs)),
    signingAlgorithm: signing,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { key: PemConverter.encode(key, "PRIVATE KEY"), certificate: certificate.toString("pem") };
}

function isStrong(algorithm: unknown): boolean {
  if (!isRecord(algorithm)) return false;
  const { name, namedCurve, modulusLength } = algorithm;
  if (name === "ECDSA") return namedCurve === "P-256" || namedCurve === "P-384";
  const isRsa = typeof name === "string" && name.startsWith("RSA");
  return isRsa && typeof modulusLength === "number" && modulusLength >= certificateLimits.rsaBits;
}

async function parseRequest(pem: unknown): Promise<Pkcs10CertificateRequest | null> {
  if (typeof pem !== "string" || pem.length > certificateLimits.requestChars) return null;
  if (!pem.includes("-----BEGIN CERTIFICATE REQUEST-----")) return null;
  try {
    const request = new Pkcs10CertificateRequest(pem);
    const algorithm: unknown = request.publicKey.algorithm;
    return isStrong(algorithm) && (await request.verify()) ? request : null;
  } catch {
    // The library throws for whatever it cannot read.
    return null;
  }
}

export const thumbprintOfCertificate = (der: ArrayBuffer): string =>
  hash("sha256", Buffer.from(der), "base64url");

/**
 * Signs a certificate request (PKCS #10, PEM) for one device: its name in it counts for nothing, its
 * key must be P-256, P-384 or RSA of 2048 bits and have signed the request. "parameter-invalid"
 * when it is not so.
 */
export async function issueDeviceCertificate(
  request: unknown,
  device: string,
  { authority, clock, random }: { authority: DeviceAuthority; clock: Clock; random: Random },
): Promise<Result<DeviceCertificate>> {
  const parsed = await parseRequest(request);
  if (parsed === null)
    return refuse("parameter-invalid", {
      at: "csr",
      detail: "It takes a PKCS #10 request in PEM, signed by a P-256, P-384 or RSA key.",
    });
  const issuer = new X509Certificate(authority.certificate);
  const key = await webcrypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(authority.key),
    signing,
    false,
    ["sign"],
  );
  const endsAt = laterBy(clock.now(), certificateLimits.lifeMs);
  const made = await X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: `CN=${device}`,
    issuer: issuer.subject,
    notBefore: new Date(laterBy(clock.now(), -certificateLimits.backdateMs)),
    notAfter: new Date(endsAt),
    signingAlgorithm: signing,
    publicKey: parsed.publicKey,
    signingKey: key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      await SubjectKeyIdentifierExtension.create(parsed.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  const thumbprint = thumbprintOfCertificate(made.rawData);
  return ok({ certificate: made.toString("pem"), thumbprint, endsAt });
}
