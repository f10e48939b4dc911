// @peculiar/x509 needs this polyfill to be loaded before it.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { PemConverter, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import type { TestIdentity } from "#identity/testing.ts";

/** For tests only: a key with a request to certify it. */
export interface CertificateRequest {
  /** PEM texts. */
  readonly csr: string;
  readonly key: string;
}

const p256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export async function certificateRequest(
  algorithm: webcrypto.EcKeyGenParams & { readonly hash: string } = p256,
): Promise<CertificateRequest> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=records.role.phylax.internal",
    keys,
    signingAlgorithm: algorithm,
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { csr: request.toString("pem"), key: PemConverter.encode(key, "PRIVATE KEY") };
}

/** The same identity process, asked over connections on which the gateway saw this certificate. */
export function showing(identity: TestIdentity, thumbprint: string): TestIdentity {
  return {
    ...identity,
    send: (path, init = {}, as) => {
      const headers = new Headers(init.headers);
      headers.set("phylax-client-cert", thumbprint);
      return identity.send(path, { ...init, headers }, as);
    },
  };
}
