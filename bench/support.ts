import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { Connection, DatabaseRole } from "#storage/connection.ts";
import { startEmbedded } from "#storage/embedded.ts";
import { makeRolePasswords, migrate, readMigrations } from "#storage/migrate.ts";

/** What the benches share. Called with what is to be undone at the end; the last comes first. */
export type Tidy = (last: () => Promise<unknown> | void) => void;

/** The value that a bench knows to be well formed. */
export function parsed<T>(parse: (text: string) => T | null, text: string): T {
  const value = parse(text);
  invariant(value !== null, "the bench names things as they are named");
  return value;
}

const roundMs = 400;
/** Rounds take turns, so that a busy moment of the machine hits ours and the rival alike. */
const rounds = 5;
const callsPerLook = 50;

function perSecond(work: () => void): number {
  const began = performance.now();
  let calls = 0;
  while (performance.now() - began < roundMs) {
    for (let n = 0; n < callsPerLook; n += 1) work();
    calls += callsPerLook;
  }
  return (calls / (performance.now() - began)) * 1_000;
}

/** Calls per second of each, the best of its rounds, all measured in turn. */
export function inTurn<K extends string>(
  works: Readonly<Record<K, () => void>>,
): Record<K, number> {
  const best = { ...works } as unknown as Record<K, number>;
  for (const name in works) best[name] = 0;
  for (let round = 0; round < rounds; round += 1)
    for (const name in works) best[name] = Math.max(best[name], perSecond(works[name]));
  return best;
}

export interface Server {
  /** As superuser. */
  readonly admin: Connection;
  as(role: DatabaseRole): Connection;
}

/** A migrated PostgreSQL with fsync on, as the product runs it. */
export async function startServer(tidy: Tidy): Promise<Server> {
  const home = await mkdtemp(join(tmpdir(), "phylax-bench-"));
  tidy(() => rm(home, { recursive: true, force: true }));
  const shared = { clock: systemClock, random: systemRandom };
  const server = await startEmbedded({ home, ...shared, onExit: () => {} });
  invariant(server.ok, "the embedded server starts");
  tidy(() => server.value.stop());
  const { connection } = server.value;
  const passwords = makeRolePasswords(systemRandom);
  const migrations = await readMigrations();
  const migrated = await migrate({ connection, passwords, random: systemRandom, migrations });
  invariant(migrated.ok, "the migrations run");
  return {
    admin: connection,
    as: (role) => ({ ...connection, user: role, password: passwords[role] }),
  };
}

/** Undoes at the end, last things first, whatever was to be undone, even when the work throws. */
export async function runTidily<T>(work: (tidy: Tidy) => Promise<T>): Promise<T> {
  const lasts: Parameters<Tidy>[0][] = [];
  try {
    return await work((last) => void lasts.unshift(last));
  } finally {
    for (const last of lasts) await last();
  }
}
