import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { Dispatcher, Pool } from "undici";
import { createLog } from "#audit/log.ts";
import { createSigner } from "#audit/note.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { systemClock, type Clock, type Instant } from "#core/clock.ts";
import { clientFactHeaders } from "#core/client-facts.ts";
import { sha256Text, thumbprintOf, parsePublicJwk } from "#core/jws.ts";
import { systemRandom } from "#core/random.ts";
import { invariant, ok } from "#core/result.ts";
import type { KeyService } from "#core/key-service.ts";
import type { KeySignal } from "#core/key-wire.ts";
import { parseProcessRole } from "#core/roles.ts";
import { createAuthorizer, type Authorizer } from "#policy/authorizer.ts";
import { readPolicyFiles } from "#policy/policy-files.ts";
import { brakeLimits } from "#records/brake/bounds.ts";
import { usualEmergencyRules, type EmergencyRules } from "#records/break-glass/rules.ts";
import { createRecords, type Records, type RecordsLog } from "#records/records.ts";
import type { Fault } from "#records/server.ts";
import type { Upstream } from "#records/upstream/client.ts";
import type { Database } from "#storage/database.ts";
import { testDatabase, type TestDatabase } from "#storage/testing.ts";
import { testKeys, testPool, type Cleanup } from "#keys/testing.ts";
import { createVault, type Vault } from "#vault/vault.ts";

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
  /** Whose further device and session it is; a new account's first if not named. */
  readonly account?: string;
  readonly roles: readonly string[];
  /** Own charts: of a patient all, of one who acts for others, too, the first; the rest are acted for. */
  readonly patients?: readonly string[];
  /** When acting for others ends; with the session, if not named. */
  readonly actsUntilMs?: number;
  readonly practitioner?: string | null;
  /** FHIR id of the Encounter that was handed to a kiosk. */
  readonly kioskVisit?: string;
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
  const [session, device] = [systemRandom.uuid(), systemRandom.uuid()];
  const account = facts.account ?? systemRandom.uuid();
  const key = signingKey();
  const now = new Date(clock.now()).toISOString();
  const bytes = (): Buffer => systemRandom.bytes(32);
  const ownCount = !roles.includes("patient") ? 0 : roles.includes("proxy") ? 1 : patients.length;
  const actsFor = patients.slice(ownCount);
  const actsUntilMs = facts.actsUntilMs ?? clock.now() + 12 * 60 * 60_000;
  await db.query(
    `INSERT INTO identity.account (id, display_name_sealed, roles, patients, practitioner, status, created_at)
     VALUES ($1, $2, $3, $4, $5, 'active', $6) ON CONFLICT DO NOTHING`,
    [account, bytes(), roles, patients.slice(0, ownCount), practitioner, now],
  );
  await db.query(
    `INSERT INTO identity.device (id, account, jkt, kind, level, first_seen, last_seen)
     VALUES ($1, $2, $3, 'browser', $4, $5, $5)`,
    [device, account, key.jkt, deviceLevel, now],
  );
  await db.query(
    `INSERT INTO identity.session (id, account, device, client_ids, browser, login, grant_id,
       created_at, signed_in_at, last_seen, idle_ms, ends_at, acts_for, acts_for_until, acts_for_from, kiosk_visit)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $9, $8::timestamptz + interval '12 hours',
       $10, $11, $12, $13)`,
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
      actsFor,
      actsFor.map(() => actsUntilMs),
      actsFor.map(() => 0),
      facts.kioskVisit ?? null,
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
          auth_time: seconds(),
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

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Replaces a part of the system by one that fails. */
export interface WorldChanges {
  readonly keys?: (keys: KeyService) => KeyService;
  readonly authorizer?: (authorizer: Authorizer) => Authorizer;
  readonly vault?: (vault: Vault) => Vault;
  /** The database by which the log is written. */
  readonly logDb?: (db: Database) => Database;
  readonly emergency?: EmergencyRules;
  /** Multiplies the brake's bounds; so wide by default that no test of anything else meets them. */
  readonly brakeShare?: number;
  /** The FHIR server in front of which the door stands. */
  readonly upstream?: Upstream;
  /** The database by which rows and sessions are read. */
  readonly db?: (db: Database) => Database;
}

/** The records process with everything behind it: database, log, vault, keys process, policies. */
export interface TestWorld {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly vault: Vault;
  readonly log: RecordsLog;
  readonly clock: TestClock;
  readonly records: Records;
  readonly faults: readonly Fault[];
  /** Connections as the gateway, and as an operator's command. */
  readonly gateway: Pool;
  readonly operator: Pool;
  person(facts: PersonFacts): Promise<TestPerson>;
  /** Asks through the gateway's connection with exactly these headers, and the gateway's facts. */
  ask(method: Dispatcher.HttpMethod, path: string, options?: AskOptions): Promise<Got>;
  /** Asks as this person, with a fresh token and proof. */
  askAs(
    person: TestPerson,
    method: Dispatcher.HttpMethod,
    path: string,
    options?: AskOptions,
  ): Promise<Got>;
  /** Imports resources as an operator does; answers the outcome lines. */
  bring(resources: readonly object[]): Promise<readonly Record<string, unknown>[]>;
  /** As if the keys process had given an alarm on with an answer. */
  raise(signal: KeySignal): void;
  /** The whole log in order. */
  entries(): Promise<readonly AuditEntry[]>;
}

async function got(pool: Pool, options: Dispatcher.RequestOptions): Promise<Got> {
  const { statusCode, headers, body } = await pool.request(options);
  return { status: statusCode, headers, text: await body.text() };
}

const policiesFolder = new URL("../../policies", import.meta.url).pathname;

async function testAuthorizer(): Promise<Authorizer> {
  const texts = await readPolicyFiles(policiesFolder);
  invariant(texts.ok, "the policies can be read");
  const authorizer = createAuthorizer(texts.value);
  invariant(authorizer.ok, "the policies are sound");
  return authorizer.value;
}

export async function testWorld(
  t: Parameters<typeof testDatabase>[0] & Cleanup,
  changes: WorldChanges = {},
): Promise<TestWorld> {
  const unchanged = <T>(value: T): T => value;
  const { keys = unchanged, authorizer = unchanged, vault = unchanged, db = unchanged } = changes;
  const database = await testDatabase(t);
  const { tenant } = database;
  const own = database.as("phylax_records", 8);
  const logDb = (changes.logDb ?? unchanged)(database.as("phylax_records", 2));
  const { service } = await testKeys(t);
  const issuer = testIssuer();
  const clock = testClock();
  const origin = `phylax/${tenant}/records`;
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  const faults: Fault[] = [];
  const opened: { vault?: Vault; log?: RecordsLog } = {};
  const signal: { raise: (name: KeySignal) => void } = { raise: () => {} };
  const records = await createRecords({
    db: db(own),
    tenant,
    clock,
    random: systemRandom,
    publicOrigin: testOrigin,
    version: "0.0.0",
    authorizer: authorizer(await testAuthorizer()),
    emergency: changes.emergency ?? usualEmergencyRules,
    brakeShare: changes.brakeShare ?? brakeLimits.share.most,
    logOrigin: origin,
    openLog: async (works) => {
      const signer = createSigner(pem.toString(), origin);
      const created = await createLog({
        db: logDb,
        origin,
        signer,
        clock,
        random: systemRandom,
        ...works,
      });
      if (!created.ok) return created;
      opened.log = created.value;
      return created;
    },
    openVault: async (onKeys, onSignal) => {
      signal.raise = onSignal;
      const deps = { db: own, keys: keys(service), tenant, random: systemRandom, clock, onKeys };
      const created = await createVault(deps);
      if (!created.ok) return created;
      opened.vault = vault(created.value);
      return ok(opened.vault);
    },
    fetchJwks: async () => issuer.jwks,
    upstream: changes.upstream ?? null,
    peerOf: ({ headers }) => parseProcessRole(String(headers["x-test-peer"])),
    onFault: (fault) => faults.push(fault),
  });
  invariant(records.ok && opened.vault !== undefined && opened.log !== undefined, "it starts");
  t.after(() => records.value.close());
  const gateway = await testPool(t, records.value.handler);
  const operator = await testPool(t, records.value.handler);

  const ask: TestWorld["ask"] = (method, path, { headers = {}, body } = {}) =>
    got(gateway, {
      method,
      path,
      headers: { "x-test-peer": "gateway", ...testFacts(), ...headers },
      body: body ?? null,
    });
  return {
    database,
    db: own,
    vault: opened.vault,
    log: opened.log,
    clock,
    records: records.value,
    faults,
    gateway,
    operator,
    raise: (name) => signal.raise(name),
    person: (facts) => testPerson(database, issuer, clock, facts),
    ask,
    askAs: (person, method, path, { headers = {}, body } = {}) => {
      const token = person.token();
      const dpop = person.proof({ method, path, token });
      const type = body === undefined ? {} : { "content-type": "application/fhir+json" };
      return ask(method, path, {
        headers: { authorization: `DPoP ${token}`, dpop, ...type, ...headers },
        ...(body === undefined ? {} : { body }),
      });
    },
    bring: async (resources) => {
      const lines = resources.map((resource, entry) =>
        JSON.stringify({ file: "test.ndjson", entry, resource }),
      );
      const answer = await got(operator, {
        method: "POST",
        path: "/internal/import",
        headers: { "x-test-peer": "operator", "phylax-operator": "tester" },
        body: lines.join("\n"),
      });
      assert.equal(answer.status, 200, answer.text);
      return answer.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    entries: async () => {
      const rows = await own.query<{ leaf: Buffer }>("SELECT leaf FROM audit.entry ORDER BY seq");
      return rows.map(({ leaf }) => JSON.parse(leaf.toString("utf8")) as AuditEntry);
    },
  };
}
