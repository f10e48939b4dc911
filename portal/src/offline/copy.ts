import { done, fail, problemFailure, type Outcome } from "../api/failure.ts";
import type { OfflineLeaseGiven } from "../../../src/core/wire.ts";
import type { Kept, Keeping } from "./kept.ts";
import type { Leases } from "./leases.ts";
import { leaseKey, makeLock, seal, unseal } from "./lock.ts";
import type { PasskeySecret } from "./passkey-secret.ts";
import { standingOf } from "./standing.ts";
import { readSummary, type Summary } from "./summary.ts";

/** What a copy is made with. */
export interface CopyDeps {
  readonly keeping: Keeping;
  readonly leases: Leases;
  readonly summaryOf: (patient: string) => Promise<Outcome<Summary>>;
  readonly askPasskey: (
    salt: Uint8Array<ArrayBuffer>,
    known: Uint8Array<ArrayBuffer> | null,
  ) => Promise<Outcome<PasskeySecret>>;
  readonly nowMs: () => number;
}

type Readable = Extract<Kept, { readonly state: "readable" }>;
type Owned = Pick<Kept, "account" | "lock">;

async function keepUnder(
  given: OfflineLeaseGiven,
  owned: Owned,
  summary: Summary,
  { keeping, nowMs }: Pick<CopyDeps, "keeping" | "nowMs">,
): Promise<void> {
  const key = await leaseKey(given.key);
  const nowAtServerMs = Date.parse(given.now);
  const bound = { lease: given.id, endsAtMs: Date.parse(given.endsAt) };
  await keeping.keep({
    state: "readable",
    account: owned.account,
    lock: owned.lock,
    ...bound,
    key,
    sealed: await seal(summary, owned.lock, { ...bound, key }),
    renewedAtMs: nowAtServerMs,
    latestMs: nowAtServerMs,
    aheadMs: nowAtServerMs - nowMs(),
  });
}

/**
 * Asks the passkey, then for the lease and the summary, and keeps it. Nothing is kept when any of it
 * fails; a lease that was given for nothing is ended.
 */
export async function beginCopy(
  deps: CopyDeps,
  { account, patient }: { readonly account: string; readonly patient: string },
): Promise<Outcome<null>> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const asked = await deps.askPasskey(salt, null);
  if (!asked.ok) return asked;
  const { credential, secret } = asked.value;
  if (asked.value.account !== account) return fail(problemFailure("offline-other-passkey"));
  const lock = { ...(await makeLock(secret)), credential, salt };
  return deps.keeping.turn(async () => {
    const given = await deps.leases.give(patient);
    if (!given.ok) return given;
    const summary = await deps.summaryOf(patient);
    if (!summary.ok) {
      await deps.leases.end(given.value.id);
      return summary;
    }
    await keepUnder(given.value, { account, lock }, summary.value, deps);
    return done(null);
  });
}

/** Not oftener than this, however often the portal is opened. */
const freshMs = 3_600_000;

const refusals: ReadonlySet<string> = new Set(["not-found", "forbidden"]);

/** Renews the lease of the person who is signed in, with a fresh summary; deletes what was refused. */
export async function refreshCopy(deps: CopyDeps, account: string): Promise<void> {
  await deps.keeping.turn(() => refresh(deps, account));
}

async function refresh(deps: CopyDeps, account: string): Promise<void> {
  const kept = await deps.keeping.find();
  if (kept === null || kept.account !== account) return;
  if (kept.state === "readable" && deps.nowMs() + kept.aheadMs - kept.renewedAtMs < freshMs) return;
  const given = await deps.leases.renew(kept.lease);
  if (!given.ok) {
    const { failure } = given;
    if (failure.kind === "problem" && refusals.has(failure.code)) await deps.keeping.drop();
    return;
  }
  const summary = await deps.summaryOf(given.value.patient);
  if (summary.ok) await keepUnder(given.value, kept, summary.value, deps);
}

/** Deletes the copy here, after whatever may be putting one there. */
export async function dropCopy(keeping: Keeping): Promise<Kept | null> {
  return keeping.turn(async () => {
    const kept = await keeping.find();
    await keeping.drop();
    return kept;
  });
}

/** Deletes the copy here and ends its lease, which runs out by itself if the server cannot be told. */
export async function endCopy({ keeping, leases }: CopyDeps): Promise<Outcome<null>> {
  const kept = await dropCopy(keeping);
  if (kept !== null) await leases.end(kept.lease);
  return done(null);
}

/**
 * What may be read at this moment. What has run out, and what a clock that was turned back makes
 * doubtful, loses its key and its copy here.
 */
export async function standingCopy(keeping: Keeping, nowMs: number): Promise<Kept | null> {
  return keeping.turn(() => lookAt(keeping, nowMs));
}

async function lookAt(keeping: Keeping, nowMs: number): Promise<Kept | null> {
  const kept = await keeping.find();
  if (kept === null || kept.state === "run-out") return kept;
  const nowAtServerMs = nowMs + kept.aheadMs;
  if (standingOf(kept, nowAtServerMs) !== "good") {
    const { account, lease, lock } = kept;
    const over: Kept = { state: "run-out", account, lease, lock };
    await keeping.keep(over);
    return over;
  }
  const seen: Readable = { ...kept, latestMs: Math.max(kept.latestMs, nowAtServerMs) };
  await keeping.keep(seen);
  return seen;
}

/** At the start of a page: deletes what has run out, and what the server says has ended. */
export async function checkCopy(
  keeping: Keeping,
  hasEnded: (lease: string) => Promise<boolean | null>,
  nowMs: number,
): Promise<void> {
  const kept = await standingCopy(keeping, nowMs);
  if (kept === null || (await hasEnded(kept.lease)) !== true) return;
  await keeping.turn(async () => {
    // Meanwhile she may have begun another one.
    if ((await keeping.find())?.lease === kept.lease) await keeping.drop();
  });
}

/** Opens the copy with her passkey. Time is looked at again after that: it may have taken long. */
export async function readCopy({
  keeping,
  askPasskey,
  nowMs,
}: Pick<CopyDeps, "keeping" | "askPasskey" | "nowMs">): Promise<Outcome<Summary>> {
  const before = await standingCopy(keeping, nowMs());
  if (before?.state !== "readable") return fail(problemFailure("offline-run-out"));
  const { credential, salt } = before.lock;
  const asked = await askPasskey(salt, credential);
  if (!asked.ok) return asked;
  const kept = await standingCopy(keeping, nowMs());
  if (kept?.state !== "readable") return fail(problemFailure("offline-run-out"));
  const { lock, key, lease, endsAtMs } = kept;
  const bound = { key, lease, endsAtMs, secret: asked.value.secret };
  const opened = await unseal(kept.sealed, lock, bound).catch(() => null);
  const summary = readSummary(opened);
  return summary === null ? fail(problemFailure("offline-damaged")) : done(summary);
}
