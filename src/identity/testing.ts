import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { AuditEntry } from "#core/audit-entry.ts";
import { systemClock, type Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import { parseProcessRole } from "#core/roles.ts";
import { makeAuthority } from "#identity/devices/certificate.ts";
import { createIdentity, type IdentityDeps } from "#identity/identity.ts";
import type { IdentityLog, Proof } from "#identity/trail.ts";
import { openDatabase, type Database } from "#storage/database.ts";
import { testDatabase, type TestDatabase } from "#storage/testing.ts";
import { createSealer } from "#vault/sealer.ts";
import { systemRun } from "#vault/run-watch.ts";

/** Stands for the log: keeps entries in memory, refuses a proof's second use, may be made to fail. */
export interface TestLog extends IdentityLog {
  readonly entries: readonly AuditEntry[];
  isDown: boolean;
}

export function createTestLog(): TestLog {
  const entries: AuditEntry[] = [];
  const proofs = new Set<string>();
  const nameOf = ({ jkt, jti }: Proof): string => `${jkt} ${jti}`;
  const log: TestLog = {
    entries,
    isDown: false,
    submit: async (submission) => {
      if (log.isDown) return refuse("audit-unavailable");
      const { proof } = submission;
      if (proof !== undefined && proofs.has(nameOf(proof))) return refuse("proof-replayed");
      if (proof !== undefined) proofs.add(nameOf(proof));
      entries.push(...submission.entries());
      return ok(null);
    },
  };
  return log;
}

/** The public origin of every test deployment. */
export const origin = "https://portal.example";

export interface TestIdentity {
  readonly database: TestDatabase;
  /** As the identity process enters it. */
  readonly db: Database;
  readonly log: TestLog;
  readonly faults: readonly string[];
  /** The sealer's key. */
  readonly key: Buffer;
  /** Sends a request as the gateway would; `as` names another role. */
  send(path: string, init?: RequestInit, as?: string): Promise<Response>;
  /** Sends JSON as an operator's command. */
  operate(path: string, body: unknown): Promise<Response>;
}

/** What stays the same over a restart. */
export interface Restart {
  readonly database: TestDatabase;
  readonly key: Buffer;
}

export interface TestOptions extends Partial<
  Pick<
    IdentityDeps,
    | "random"
    | "fetch"
    | "deviceManagers"
    | "attestationRoots"
    | "openOutside"
    | "logOff"
    | "recoveryWaits"
  >
> {
  readonly clock?: Clock;
  readonly restart?: Restart;
  readonly address?: string;
  /** In place of the test's own log, made on the test's database. */
  readonly trueLog?: (database: TestDatabase) => Promise<IdentityLog>;
}

async function listen(
  t: TestContext,
  handler: Parameters<typeof createServer>[1],
): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

/** Like TestDatabase.as, but a test may close it early. */
function openOwn(t: TestContext, database: TestDatabase): Database {
  const db = openDatabase({
    connection: database.connection("phylax_identity"),
    tenant: database.tenant,
    maxConnections: 4,
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= db.close());
  t.after(close);
  return { ...db, close };
}

/** The identity process on a fresh database, over plain HTTP: TLS is the gateway's matter. */
export async function testIdentity(
  t: TestContext,
  options: TestOptions = {},
): Promise<TestIdentity> {
  const database = options.restart?.database ?? (await testDatabase(t));
  const db = openOwn(t, database);
  const log = createTestLog();
  const faults: string[] = [];
  const key = options.restart?.key ?? systemRandom.bytes(32);
  const identity = await createIdentity({
    db,
    log: (await options.trueLog?.(database)) ?? log,
    // The sealer overwrites the buffer that it is given.
    sealer: createSealer({ key: Buffer.from(key), random: systemRandom, ...systemRun }),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    publicOrigin: origin,
    tenant: database.tenant,
    rpName: "Test clinic",
    parentEndsAtAge: 18,
    // No provider but those that a test brings can be reached.
    deviceAuthority: await makeAuthority(systemClock, systemRandom),
    openOutside:
      options.openOutside ?? (() => () => Promise.reject(new TypeError("no way out of the test"))),
    peerOf: ({ headers }) => parseProcessRole(String(headers["test-role"])),
    ...(options.deviceManagers === undefined ? {} : { deviceManagers: options.deviceManagers }),
    ...(options.attestationRoots === undefined
      ? {}
      : { attestationRoots: options.attestationRoots }),
    ...(options.logOff === undefined ? {} : { logOff: options.logOff }),
    ...(options.recoveryWaits === undefined ? {} : { recoveryWaits: options.recoveryWaits }),
    event: (name, facts) => faults.push(`${name} ${JSON.stringify(facts ?? {})}`),
  });
  if (!identity.ok) throw new Error(identity.problem.code);
  const base = await listen(t, identity.value.handler);
  t.after(() => identity.value.close());
  const send: TestIdentity["send"] = (path, init = {}, as = "gateway") => {
    const headers = new Headers(init.headers);
    headers.set("test-role", as);
    headers.set("phylax-client-addr", options.address ?? "192.0.2.7");
    if (!headers.has("phylax-zone")) headers.set("phylax-zone", "internet");
    headers.set("phylax-request-id", systemRandom.uuid());
    return fetch(`${base}${path}`, { redirect: "manual", ...init, headers });
  };
  return {
    database,
    db,
    log,
    faults,
    key,
    send,
    operate: (path, body) =>
      send(
        path,
        {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        },
        "operator",
      ),
  };
}
