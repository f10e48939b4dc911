import { getFips } from "node:crypto";

/**
 * Whether node:crypto was switched to FIPS mode, so that only approved algorithms may be chosen. That
 * a validated module is behind it is for the self-test at start to prove, not for this.
 */
export function approvedOnly(): boolean {
  return getFips() === 1;
}

/**
 * What FIPS mode leaves of TLS (NIST SP 800-52r2 §3.3.1). The hybrids stay: their ML-KEM share is
 * approved (FIPS 203), and SP 800-227 lets it be combined with another. X25519 alone goes, and
 * so does ChaCha20. A "?" lets OpenSSL pass over a group that the module does not have.
 */
export const approvedTls = {
  suites: ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"],
  groups: ["?SecP256r1MLKEM768", "?X25519MLKEM768", "P-256", "P-384"],
} as const;
