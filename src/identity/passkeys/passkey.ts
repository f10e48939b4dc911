import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import type { AccountId } from "#core/ids.ts";
import { parseAccountId } from "#core/ids.ts";
import type { Clock, Instant } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import type { Account } from "#identity/accounts/account.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  attestationOf,
  rootThumbprint,
  type AttestationRoots,
  type Vouched,
} from "#identity/passkeys/attestation.ts";
import { parseAuthentication, parseRegistration } from "#identity/passkeys/credential.ts";
import {
  findPasskey,
  insertPasskey,
  passkeysOf,
  usePasskey,
  type NewPasskey,
  type PasskeyRow,
} from "#identity/passkeys/passkey-store.ts";
import { sealText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import type { Queryable } from "#storage/database.ts";

export interface PasskeyDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  /** Shown by the browser's own dialogue. */
  readonly rpName: string;
  readonly publicOrigin: string;
  /** Who is believed about authenticators; without any, nobody is asked. */
  readonly attestationRoots: AttestationRoots;
}

/** Whose passkey answered. */
export interface Proven {
  readonly account: AccountId;
  /** Null when no root that is believed now vouches for the passkey's hardware. */
  readonly hardware: { readonly credentialId: string; readonly until: Instant } | null;
}

export interface Passkeys {
  /** PublicKeyCredentialRequestOptionsJSON for any passkey of this site. The challenge is 32 bytes. */
  askAny(challenge: Buffer): Promise<unknown>;
  /** Null when no passkey of ours answered the challenge. */
  verify(credential: unknown, challenge: Buffer): Promise<Proven | null>;
  /** PublicKeyCredentialCreationOptionsJSON; null when the account has as many passkeys as it may. */
  offer(account: Account, challenge: Buffer): Promise<unknown>;
  /** The passkey that the browser made for the challenge, not yet stored; null when it is not acceptable. */
  accept(credential: unknown, challenge: Buffer, owner: PasskeyOwner): Promise<NewPasskey | null>;
  /** Whether it was stored: false when it is known already. */
  keep(on: Queryable, passkey: NewPasskey): Promise<boolean>;
}

export const passkeyNamePurpose = (credentialId: string): string => `passkey-name:${credentialId}`;

export interface PasskeyOwner {
  readonly account: AccountId;
  readonly passkeyName: string;
}

/** COSE algorithms: EdDSA, ES256, RS256. */
const algorithms = [-8, -7, -257];

/** WebAuthn Level 3 §5.4.3: the user handle is opaque, so it is the account's uuid and no name. */
function handleOf(account: AccountId): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(account.replaceAll("-", ""), "hex"));
}

const sameBytes = (text: string, bytes: Uint8Array): boolean =>
  Buffer.from(text, "base64url").equals(bytes);

/** The library throws for every answer that it does not accept. */
async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}

const fresh = (bytes: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/** A root that the operator has taken away vouches for nothing any more. */
function hardwareOf({ attestationRoots, clock }: PasskeyDeps, row: PasskeyRow): Proven["hardware"] {
  const { attestedRoot: root, attestedUntil: until } = row;
  if (root === null || until === null || until <= clock.now()) return null;
  const believed = [...attestationRoots.values()].flat();
  if (!believed.some((known) => rootThumbprint(known).equals(root))) return null;
  return { credentialId: row.credentialId.toString("base64url"), until };
}

interface Expected {
  readonly expectedOrigin: string;
  readonly expectedRPID: string;
  readonly requireUserVerification: true;
}

interface Asked {
  readonly credential: unknown;
  readonly challenge: Buffer;
}

async function verify(deps: PasskeyDeps, expected: Expected, asked: Asked): Promise<Proven | null> {
  const { db, clock } = deps;
  const credential = parseAuthentication(asked.credential);
  if (credential === null) return null;
  const row = await findPasskey(db, Buffer.from(credential.id, "base64url"));
  const account = row === null ? null : parseAccountId(row.account);
  if (row === null || account === null) return null;
  if (!sameBytes(credential.response.userHandle, handleOf(account))) return null;
  const checked = await orNull(() =>
    verifyAuthenticationResponse({
      ...expected,
      response: credential,
      expectedChallenge: asked.challenge.toString("base64url"),
      credential: {
        id: credential.id,
        publicKey: fresh(row.publicKey),
        counter: row.counter,
        transports: [...row.transports],
      },
    }),
  );
  if (checked === null || !checked.verified) return null;
  const counted = await usePasskey(db, {
    credentialId: row.credentialId,
    counterBefore: row.counter,
    counterNow: checked.authenticationInfo.newCounter,
    now: clock.now(),
  });
  return counted ? { account, hardware: hardwareOf(deps, row) } : null;
}

async function offer(deps: PasskeyDeps, account: Account, challenge: Buffer): Promise<unknown> {
  const known = await passkeysOf(deps.db, account.id);
  if (known.length >= identityLimits.passkeysPerAccount) return null;
  return generateRegistrationOptions({
    rpName: deps.rpName,
    rpID: new URL(deps.publicOrigin).hostname,
    userID: handleOf(account.id),
    userName: account.displayName,
    userDisplayName: account.displayName,
    challenge: fresh(challenge),
    timeout: identityLimits.challengeMs,
    attestationType: deps.attestationRoots.size === 0 ? "none" : "direct",
    excludeCredentials: known.map(({ credentialId, transports }) => ({
      id: credentialId.toString("base64url"),
      transports: [...transports],
    })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    supportedAlgorithmIDs: algorithms,
  });
}

async function register(expected: Expected, asked: Asked): Promise<Registered | null> {
  const credential = parseRegistration(asked.credential);
  if (credential === null) return null;
  const checked = await orNull(() =>
    verifyRegistrationResponse({
      ...expected,
      response: credential,
      expectedChallenge: asked.challenge.toString("base64url"),
      supportedAlgorithmIDs: algorithms,
    }),
  );
  return checked !== null && checked.verified ? checked.registrationInfo : null;
}

export function createPasskeys(deps: PasskeyDeps): Passkeys {
  const expected: Expected = {
    expectedOrigin: deps.publicOrigin,
    expectedRPID: new URL(deps.publicOrigin).hostname,
    requireUserVerification: true,
  };
  return {
    askAny: (challenge) =>
      generateAuthenticationOptions({
        rpID: expected.expectedRPID,
        challenge: fresh(challenge),
        userVerification: "required",
        timeout: identityLimits.challengeMs,
      }),
    verify: (credential, challenge) => verify(deps, expected, { credential, challenge }),
    offer: (account, challenge) => offer(deps, account, challenge),
    accept: async (credential, challenge, owner) => {
      const made = await register(expected, { credential, challenge });
      if (made === null) return null;
      const { attestationRoots: roots, clock } = deps;
      const attestation = attestationOf(made.attestationObject, { roots, now: clock.now() });
      if (attestation.kind === "refused") return null;
      // A passkey that is copied from device to device says nothing of the one that shows it.
      const isHeld = attestation.kind === "vouched" && made.credentialDeviceType === "singleDevice";
      return newPasskey(deps, made, { ...owner, vouched: isHeld ? attestation : null });
    },
    keep: insertPasskey,
  };
}

type Registered = Extract<
  Awaited<ReturnType<typeof verifyRegistrationResponse>>,
  { verified: true }
>["registrationInfo"];

function newPasskey(
  deps: PasskeyDeps,
  made: Registered,
  owner: PasskeyOwner & { readonly vouched: Vouched | null },
): NewPasskey {
  const credentialId = Buffer.from(made.credential.id, "base64url");
  return {
    credentialId,
    account: owner.account,
    publicKey: Buffer.from(made.credential.publicKey),
    counter: made.credential.counter,
    transports: made.credential.transports ?? [],
    nameSealed: sealText(deps.sealer, passkeyNamePurpose(made.credential.id), owner.passkeyName),
    aaguid: made.aaguid,
    backedUp: made.credentialBackedUp,
    createdAt: deps.clock.now(),
    usable: true,
    attestedRoot: owner.vouched?.root ?? null,
    attestedUntil: owner.vouched?.until ?? null,
  };
}
