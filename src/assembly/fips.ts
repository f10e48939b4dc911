import {
  createHash,
  createSecretKey,
  generateKeyPairSync,
  getFips,
  pbkdf2Sync,
  sign,
  verify,
} from "node:crypto";
import { problem, type Problem } from "#core/problem.ts";
import { gcm, openUnder, sealUnder } from "#keys/gcm.ts";

/** What the self-test asks of node:crypto; each gives null when it is refused. */
export interface FipsProbe {
  /** Whether node:crypto was switched to FIPS mode. */
  readonly enabled: () => boolean;
  /** Hex digest of the text "abc". */
  readonly digest: (algorithm: "md5" | "sha256") => string | null;
  /** Whether the approved algorithms that we cannot do without all work. */
  readonly worksFor: (use: ApprovedUse) => boolean;
}

const approvedUses = [
  { use: "AES-256-GCM", why: "records and keys are sealed with it" },
  { use: "Ed25519", why: "the audit log is signed with it (FIPS 186-5)" },
  { use: "ECDSA P-256", why: "certificates and tokens are signed with it" },
  { use: "PBKDF2", why: "the passphrase opens the root key with it" },
] as const;
export type ApprovedUse = (typeof approvedUses)[number]["use"];

export type FipsState =
  | { readonly state: "off" }
  /** A provider is at work: it refuses what is not approved and does what is. */
  | { readonly state: "on" }
  /** FIPS mode was switched on, but that is all: not to be relied on. */
  | { readonly state: "unproven"; readonly why: string };

/** FIPS 180-4's own example, the digest of "abc". */
const sha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/**
 * Tells whether node:crypto really runs on a FIPS provider. The switch alone says little: it can be
 * on with no provider behind it, and then nothing works, or with a default one that still does MD5.
 */
export function testFips(probe: FipsProbe): FipsState {
  if (!probe.enabled()) return { state: "off" };
  if (probe.digest("sha256") !== sha256OfAbc)
    return { state: "unproven", why: "FIPS mode is on, but there is no FIPS provider behind it" };
  if (probe.digest("md5") !== null)
    return { state: "unproven", why: "FIPS mode is on, yet MD5 is not refused" };
  const lacking = approvedUses.find(({ use }) => !probe.worksFor(use));
  if (lacking === undefined) return { state: "on" };
  const { use, why } = lacking;
  return { state: "unproven", why: `the FIPS provider does not do ${use}: ${why}` };
}

/** Why this process may not run: null unless FIPS mode is required and not proven. */
export function fipsRefusal(required: boolean, probe: FipsProbe): Problem | null {
  if (!required) return null;
  const found = testFips(probe);
  if (found.state === "on") return null;
  const why =
    found.state === "unproven"
      ? found.why
      : "node:crypto runs without a FIPS provider; install a validated one and point OPENSSL_CONF at it (docs/keys.md, FIPS)";
  return problem("fips-unavailable", { detail: `PHYLAX_FIPS asks for FIPS mode: ${why}` });
}

const tried = <T>(work: () => T): T | null => {
  try {
    return work();
  } catch {
    return null;
  }
};

/** The node:crypto of this process. */
export const systemFipsProbe: FipsProbe = {
  enabled: () => getFips() === 1,
  digest: (algorithm) => tried(() => createHash(algorithm).update("abc").digest("hex")),
  worksFor: (use) => tried(() => trials[use]()) === true,
};

const trials: Readonly<Record<ApprovedUse, () => boolean>> = {
  "AES-256-GCM": () => {
    const key = createSecretKey(Buffer.alloc(32, 1));
    const aad = Buffer.from("trial");
    const sealed = sealUnder(key, { nonce: Buffer.alloc(gcm.nonceBytes), aad, plain: aad });
    return openUnder(key, aad, sealed)?.equals(aad) === true;
  },
  Ed25519: () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const message = Buffer.from("trial");
    return verify(null, message, publicKey, sign(null, message, privateKey));
  },
  "ECDSA P-256": () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const message = Buffer.from("trial");
    return verify("sha256", message, publicKey, sign("sha256", message, privateKey));
  },
  // NIST SP 800-132 §5: a salt of 128 bits or more, at least 1,000 iterations.
  PBKDF2: () => pbkdf2Sync("a trial password", Buffer.alloc(16), 1_000, 32, "sha512").length === 32,
};
