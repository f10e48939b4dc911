import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { systemClock, type Clock, type Instant } from "#core/clock.ts";
import { clientFactHeaders } from "#core/client-facts.ts";
import { sha256Text, thumbprintOf, parsePublicJwk } from "#core/jws.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { TestDatabase } from "#storage/testing.ts";

/** For tests and benches only: people with sessions, tokens and proofs, as identity would have made them. */

export const testOrigin = "https://localhost:8443";

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly jkt: string;
}

export function signingKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const jwk = parsePublicJwk({ kty, crv, x, y });
  invariant(jwk !== null, "a fresh key is a public key");
  return { privateKey, jwk, jkt: thumbprintOf(jwk) };
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function signJws(header: object, claims: object, { privateKey }: SigningKey): string {
  const text = `${encoded({ ...header, alg: "ES256" })}.${encoded(claims)}`;
  const how = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
  return `${text}.${sign("sha256", Buffer.from(text), how).toString("base64url")}`;
}

/** Signs tokens as identity does. */
export interface TestIssuer {
  readonly key: SigningKey;
  readonly jwks: unknown;
}

export function testIssuer(): TestIssuer {
  const key = signingKey();
  return { key, jwks: { keys: [{ ...key.jwk, kid: "test", alg: "ES256", use: "sig" }] } };
}

/** A clock that a test can set forward. */
export interface TestClock extends Clock {
  shiftMs: number;
}

export function testClock(): TestClock {
  const clock: TestClock = {
    shiftMs: 0,
    now: () => (systemClock.now() + clock.shiftMs) as Instant,
    monotonicMs: () => systemClock.monotonicMs() + clock.shiftMs,
  };
  return clock;
}

export interface PersonFacts {
  readonly roles: readonly string[];
  readonly patients?: readonly string[];
  readonly practitioner?: string | null;
  readonly deviceLevel?: number;
  readonly idleMs?: number;
  readonly scope?: string;
}

export interface TestPerson {
  readonly account: string;
  readonly session: string;
  readonly device: string;
  readonly key: SigningKey;
  /** A fresh access token; `changed` replaces claims. */
  token(changed?: Readonly<Record<string, unknown>>): string;
  /** A fresh proof for a request with this token; `changed` replaces claims. */
  proof(
    request: { readonly method: string; readonly path: string; readonly token: string },
    changed?: Readonly<Record<string, unknown>>,
  ): string;
  /** Ends the session, as signing out or losing the device does. */
  end(): Promise<void>;
}

const lifetimeSeconds = 300;

/** Makes an account with one device and one session in identity's tables. */
export async function testPerson(
  database: TestDatabase,
  issuer: TestIssuer,
  clock: Clock,
  facts: PersonFacts,
): Promise<TestPerson> {
  const { roles, patients = [], practitioner = null, deviceLevel = 1 } = facts;
  const db = database.as("phylax_identity", 1);
  const [account, session, device] = [0, 1, 2].map(() => systemRandom.uuid());
  invariant(account !== undefined && session !== undefined && device !== undefined, "three ids");
  const key = signingKey();
  const now = new Date(clock.now()).toISOString();
  const bytes = (): Buffer => systemRandom.bytes(32);
  await db.query(
    `INSERT INTO identity.account (id, display_name_sealed, roles, patients, practitioner, status, created_at)
     VALUES ($1, $2, $3, $4, $5, 'active', $6)`,
    [account, bytes(), roles, patients, practitioner, now],
  );
  await db.query(
    `INSERT INTO identity.device (id, account, jkt, kind, level, first_seen, last_seen)
     VALUES ($1, $2, $3, 'browser', $4, $5, $5)`,
    [device, account, key.jkt, deviceLevel, now],
  );
  await db.query(
    `INSERT INTO identity.session (id, account, device, client_ids, browser, login, grant_id,
       created_at, last_seen, idle_ms, ends_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $8::timestamptz + interval '12 hours')`,
    [
      session,
      account,
      device,
      ["phylax-portal"],
      bytes(),
      bytes(),
      bytes(),
      now,
      facts.idleMs ?? 1_800_000,
    ],
  );
  const seconds = (): number => Math.floor(clock.now() / 1_000);
  return {
    account,
    session,
    device,
    key,
    token: (changed = {}) =>
      signJws(
        { typ: "at+jwt", kid: "test" },
        {
          iss: testOrigin,
          aud: `${testOrigin}/fhir`,
          sub: account,
          sid: session,
          device,
          client_id: "phylax-portal",
          scope: facts.scope ?? "openid fhirUser patient/*.rs user/*.cruds",
          cnf: { jkt: key.jkt },
          iat: seconds(),
          exp: seconds() + lifetimeSeconds,
          jti: systemRandom.uuid(),
          ...changed,
        },
        issuer.key,
      ),
    proof: ({ method, path, token }, changed = {}) =>
      signJws(
        { typ: "dpop+jwt", jwk: key.jwk },
        {
          jti: systemRandom.uuid(),
          htm: method,
          htu: testOrigin + (path.split("?")[0] ?? ""),
          iat: seconds(),
          ath: sha256Text(token),
          ...changed,
        },
        key,
      ),
    end: async () => {
      await db.query("UPDATE identity.session SET ended_at = now() WHERE id = $1", [session]);
    },
  };
}

/** What the gateway tells of a caller. */
export function testFacts(): Record<string, string> {
  return {
    [clientFactHeaders.address]: "192.0.2.7",
    [clientFactHeaders.zone]: "internet",
    [clientFactHeaders.requestId]: systemRandom.uuid(),
  };
}
