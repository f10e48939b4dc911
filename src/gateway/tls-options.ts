import { constants } from "node:crypto";
import type { SecureContextOptions, TlsOptions } from "node:tls";
import { approvedOnly, approvedTls } from "#core/approved.ts";
import type { GatewayLimits } from "./limits.ts";

export interface PublicTls {
  /** PEM texts. */
  readonly key: string;
  readonly cert: string;
  /** PEM of the authority whose client certificates are asked for; nobody is asked when it is left out. */
  readonly deviceCa?: string;
}

export type MinTls = "TLSv1.3" | "TLSv1.2";

const tls13Suites = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
];

/** For clients that know no TLS 1.3: forward secrecy and authenticated encryption only (RFC 9325 §4.2). */
const tls12Suites = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
];

/** What is recorded today must not open to a quantum computer later: the hybrid group stands first. */
const groups = ["X25519MLKEM768", "X25519", "P-256", "P-384"];

/** Key, certificate and what is negotiated with them; also for a renewal. */
export function secureContextOptions(
  tls: PublicTls,
  minTls: MinTls,
  approved = approvedOnly(),
): SecureContextOptions {
  const all = minTls === "TLSv1.2" ? [...tls13Suites, ...tls12Suites] : tls13Suites;
  // NIST SP 800-52r2 §3.3.1: every AES-GCM suite here is approved, ChaCha20 is not.
  const suites = approved ? all.filter((name) => !name.includes("CHACHA20")) : all;
  return {
    key: tls.key,
    cert: tls.cert,
    ...(tls.deviceCa === undefined ? {} : { ca: tls.deviceCa }),
    minVersion: minTls,
    maxVersion: "TLSv1.3",
    ciphers: suites.join(":"),
    honorCipherOrder: true,
    ecdhCurve: (approved ? approvedTls.groups : groups).join(":"),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  };
}

export function serverTlsOptions(
  tls: PublicTls,
  minTls: MinTls,
  limits: GatewayLimits,
): TlsOptions {
  return {
    ...secureContextOptions(tls, minTls),
    // Whoever shows none is let in as well: what she may do without is identity's to say.
    ...(tls.deviceCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false }),
    ALPNProtocols: ["h2", "http/1.1"],
    sessionTimeout: Math.ceil(limits.ticketKeyMs / 1000),
  };
}
