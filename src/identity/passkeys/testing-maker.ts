// @peculiar/x509 needs this polyfill to be loaded before it.
import "reflect-metadata";
import { KeyObject, webcrypto, X509Certificate as NodeCertificate } from "node:crypto";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Maker } from "#identity/passkeys/testing-authenticator.ts";

/** For tests only: a maker of authenticators with a root of its own. */
export interface TestMaker extends Maker {
  readonly root: NodeCertificate;
}

const signing = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 24 * 60 * 60_000;

export async function createMaker(leafEndsInMs = 30 * day): Promise<TestMaker> {
  const now = Date.now();
  const rootKeys = await webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "C=US, O=Test maker, CN=Test root",
    notBefore: new Date(now - 90 * day),
    notAfter: new Date(now + 365 * day),
    signingAlgorithm: signing,
    keys: rootKeys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const leafKeys = await webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const leaf = await X509CertificateGenerator.create({
    serialNumber: "02",
    // WebAuthn Level 3 §8.2.1 asks for these.
    subject: "C=US, O=Test maker, OU=Authenticator Attestation, CN=Test key",
    issuer: root.subject,
    notBefore: new Date(now - 60 * day),
    notAfter: new Date(now + leafEndsInMs),
    signingAlgorithm: signing,
    publicKey: leafKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [new BasicConstraintsExtension(false, undefined, true)],
  });
  return {
    key: KeyObject.from(leafKeys.privateKey),
    certificates: [Buffer.from(leaf.rawData)],
    root: new NodeCertificate(Buffer.from(root.rawData)),
  };
}
