// @peculiar/x509 needs this polyfill to be loaded before it.
import "reflect-metadata";
import { existsSync, readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  AuthorityKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import { certificateEndsAt, roleName, type TlsIdentity } from "#core/net.ts";
import type { Random } from "#core/random.ts";
import type { ProcessRole } from "#core/roles.ts";
import { writeSecretFile, type Home } from "#assembly/home.ts";

const dayMs = 24 * 60 * 60_000;
const authorityLifeMs = 3_650 * dayMs;
const roleLifeMs = dayMs;
const publicLifeMs = 90 * dayMs;
/** Clocks of two machines may differ by this much. */
const backdateMs = 5 * 60_000;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** The deployment's own certificate authority. Its key stays in the home; no process that listens holds it. */
export interface Authority {
  /** PEM, for browsers and other machines to trust. */
  readonly certificate: string;
  /** A fresh certificate of one day that proves the role. */
  issueRole(role: ProcessRole): Promise<TlsIdentity>;
  /** The public server certificate, kept until a third of its life is left. */
  publicIdentity(hosts: readonly string[]): Promise<TlsIdentity>;
}

interface Signer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
}

/** RFC 5280 §4.1.2.2: a positive number of at most 20 octets. */
const serialNumber = (random: Random): string => `01${random.bytes(15).toString("hex")}`;

async function makeAuthority(home: Home, clock: Clock, random: Random): Promise<Signer> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: `CN=Phylax deployment ${random.bytes(4).toString("hex")}`,
    notBefore: new Date(clock.now() - backdateMs),
    notAfter: new Date(clock.now() + authorityLifeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeSecretFile(home.file("authority", "authority.key"), await exportKey(keys.privateKey));
  writeSecretFile(home.file("authority", "authority.crt"), certificate.toString("pem"));
  return { certificate, key: keys.privateKey };
}

interface Leaf {
  readonly commonName: string;
  readonly names: ConstructorParameters<typeof SubjectAlternativeNameExtension>[0];
  readonly usages: string[];
  readonly endsAt: Instant;
}

async function issue(
  signer: Signer,
  leaf: Leaf,
  clock: Clock,
  random: Random,
): Promise<TlsIdentity> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: `CN=${leaf.commonName}`,
    issuer: signer.certificate.subject,
    notBefore: new Date(clock.now() - backdateMs),
    notAfter: new Date(leaf.endsAt),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: signer.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(leaf.usages),
      new SubjectAlternativeNameExtension(leaf.names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer.certificate),
    ],
  });
  return {
    key: await exportKey(keys.privateKey),
    cert: certificate.toString("pem"),
    ca: signer.certificate.toString("pem"),
  };
}

/** Opens the deployment's authority in the home, or makes it at the first start. */
export async function openAuthority(home: Home, clock: Clock, random: Random): Promise<Authority> {
  const keyPath = home.file("authority", "authority.key");
  const certificatePath = home.file("authority", "authority.crt");
  const signer =
    existsSync(keyPath) && existsSync(certificatePath)
      ? {
          certificate: new X509Certificate(readFileSync(certificatePath, "utf8")),
          key: await importKey(readFileSync(keyPath, "utf8")),
        }
      : await makeAuthority(home, clock, random);
  return {
    certificate: signer.certificate.toString("pem"),
    issueRole: (role) =>
      issue(
        signer,
        {
          commonName: `phylax ${role}`,
          names: [{ type: "dns", value: roleName(role) }],
          usages: [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth],
          endsAt: laterBy(clock.now(), roleLifeMs),
        },
        clock,
        random,
      ),
    publicIdentity: (hosts) => publicIdentity(home, signer, hosts, clock, random),
  };
}

async function publicIdentity(
  home: Home,
  signer: Signer,
  hosts: readonly string[],
  clock: Clock,
  random: Random,
): Promise<TlsIdentity> {
  const path = home.file("certificates", "public.json");
  const wanted = hosts.join(",");
  if (existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, "utf8")) as TlsIdentity & { readonly hosts: string };
    const left = certificateEndsAt(kept.cert).getTime() - clock.now();
    if (
      kept.hosts === wanted &&
      left > publicLifeMs / 3 &&
      kept.ca === signer.certificate.toString("pem")
    )
      return kept;
  }
  const isAddress = (host: string): boolean => /^[0-9.]+$|:/.test(host);
  const made = await issue(
    signer,
    {
      commonName: hosts[0] ?? "localhost",
      names: hosts.map((value) => ({
        type: isAddress(value) ? ("ip" as const) : ("dns" as const),
        value,
      })),
      usages: [ExtendedKeyUsage.serverAuth],
      endsAt: laterBy(clock.now(), publicLifeMs),
    },
    clock,
    random,
  );
  writeSecretFile(path, JSON.stringify({ ...made, hosts: wanted }));
  return made;
}
