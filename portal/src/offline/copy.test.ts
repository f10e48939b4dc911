import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { done, fail, problemFailure, type Failure, type Outcome } from "../api/failure.ts";
import type { OfflineLeaseGiven } from "../../../src/core/wire.ts";
import {
  beginCopy,
  checkCopy,
  dropCopy,
  endCopy,
  readCopy,
  refreshCopy,
  standingCopy,
  type CopyDeps,
} from "./copy.ts";
import type { Kept } from "./kept.ts";
import type { Summary } from "./summary.ts";

const hourMs = 3_600_000;
const mine = { account: "ana", patient: "pat-1" };
const summary = (name: string): Summary => ({
  name,
  born: null,
  takenAt: "2026-01-01T00:00:00Z",
  problems: [],
  medicines: [],
  allergies: [],
  immunisations: [],
  results: [],
  isPart: false,
});

/** A browser and a server in memory; the server's clock is 7 minutes ahead. */
function scene() {
  const aheadMs = 7 * 60_000;
  const secret = new Uint8Array(randomBytes(32)).buffer;
  const world = {
    nowMs: Date.parse("2026-01-01T00:00:00Z"),
    kept: null as Kept | null,
    name: "Ana Lima",
    account: "ana" as string | null,
    passkeyFailure: null as Failure | null,
    leaseFailure: null as Failure | null,
    summaryFailure: null as Failure | null,
    secret,
    asked: [] as string[],
  };
  let last: Promise<unknown> = Promise.resolve();
  const lease = (id: string): Outcome<OfflineLeaseGiven> => {
    if (world.leaseFailure !== null) return fail(world.leaseFailure);
    const serverMs = world.nowMs + aheadMs;
    return done({
      id,
      patient: "pat-1",
      key: randomBytes(32).toString("base64url"),
      now: new Date(serverMs).toISOString(),
      endsAt: new Date(serverMs + 72 * hourMs).toISOString(),
    });
  };
  const deps: CopyDeps = {
    keeping: {
      find: async () => world.kept,
      keep: async (kept) => void (world.kept = kept),
      drop: async () => void (world.kept = null),
      turn: (work) => {
        const mineNow = last.then(work);
        last = mineNow.catch(() => null);
        return mineNow;
      },
    },
    leases: {
      give: async () => {
        world.asked.push("give");
        return lease("lease-1");
      },
      renew: async (id) => {
        world.asked.push(`renew ${id}`);
        return lease(id);
      },
      end: async (id) => {
        world.asked.push(`end ${id}`);
        return world.leaseFailure === null ? done(null) : fail(world.leaseFailure);
      },
      all: async () => done([]),
    },
    summaryOf: async () =>
      world.summaryFailure === null ? done(summary(world.name)) : fail(world.summaryFailure),
    askPasskey: async () => {
      if (world.passkeyFailure !== null) return fail(world.passkeyFailure);
      const credential = new Uint8Array([1, 2, 3]);
      return done({ credential, secret: world.secret, account: world.account });
    },
    nowMs: () => world.nowMs,
  };
  return { world, deps };
}

const nameOf = (read: Outcome<Summary>): string =>
  read.ok ? read.value.name : read.failure.kind === "problem" ? read.failure.code : "";

test("a copy that was begun is read until its lease ends by the server's clock, and then gone", async () => {
  const { world, deps } = scene();
  assert.ok((await beginCopy(deps, mine)).ok);
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima");
  world.nowMs += 72 * hourMs - 1;
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima");
  world.nowMs += 1;
  assert.equal(nameOf(await readCopy(deps)), "offline-run-out");
  assert.deepEqual(Object.keys(world.kept ?? {}).toSorted(), ["account", "lease", "lock", "state"]);
  world.nowMs -= 2;
  assert.equal(nameOf(await readCopy(deps)), "offline-run-out");
});

test("a lease that ends while the passkey is being shown opens nothing", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  const slowly: CopyDeps["askPasskey"] = (salt, known) => {
    world.nowMs += 73 * hourMs;
    return deps.askPasskey(salt, known);
  };
  assert.equal(nameOf(await readCopy({ ...deps, askPasskey: slowly })), "offline-run-out");
});

test("nothing is kept, and no lease stays, when any step of the beginning fails", async () => {
  const failure = problemFailure("overloaded");
  const passkey = scene();
  passkey.world.passkeyFailure = failure;
  assert.ok(!(await beginCopy(passkey.deps, mine)).ok);
  assert.deepEqual(passkey.world.asked, []);
  const other = scene();
  other.world.account = "somebody else";
  assert.equal((await beginCopy(other.deps, mine)).ok, false);
  assert.deepEqual(other.world.asked, []);
  const lease = scene();
  lease.world.leaseFailure = failure;
  assert.ok(!(await beginCopy(lease.deps, mine)).ok);
  const content = scene();
  content.world.summaryFailure = failure;
  assert.ok(!(await beginCopy(content.deps, mine)).ok);
  assert.deepEqual(content.world.asked, ["give", "end lease-1"]);
  for (const { world } of [passkey, other, lease, content]) assert.equal(world.kept, null);
});

test("a renewal brings fresh content under another key, once an hour, without the passkey", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  await refreshCopy(deps, "ana");
  assert.deepEqual(world.asked, ["give"]);
  world.nowMs += hourMs;
  world.name = "Ana Lima-Ruiz";
  world.passkeyFailure = problemFailure("passkey-cancelled");
  await refreshCopy(deps, "ana");
  world.passkeyFailure = null;
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima-Ruiz");
  world.nowMs += 71 * hourMs;
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima-Ruiz");
});

test("what ran out comes back with the next renewal", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  world.nowMs += 100 * hourMs;
  assert.equal((await standingCopy(deps.keeping, world.nowMs))?.state, "run-out");
  await refreshCopy(deps, "ana");
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima");
});

test("a renewal is for the account alone whose copy it is", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  world.nowMs += 2 * hourMs;
  await refreshCopy(deps, "somebody else");
  assert.deepEqual(world.asked, ["give"]);
});

test("a refused renewal deletes the copy; one that got no answer leaves it as it was", async () => {
  for (const code of ["not-found", "forbidden"]) {
    const { world, deps } = scene();
    await beginCopy(deps, mine);
    world.nowMs += 2 * hourMs;
    world.leaseFailure = { kind: "offline" };
    await refreshCopy(deps, "ana");
    world.leaseFailure = problemFailure("overloaded");
    await refreshCopy(deps, "ana");
    assert.equal(nameOf(await readCopy(deps)), "Ana Lima");
    world.leaseFailure = problemFailure(code);
    await refreshCopy(deps, "ana");
    assert.equal(world.kept, null, code);
  }
});

test("a renewal without a new summary leaves the old one to its own end", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  world.nowMs += 2 * hourMs;
  world.summaryFailure = problemFailure("overloaded");
  await refreshCopy(deps, "ana");
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima");
  world.nowMs += 70 * hourMs;
  assert.equal(nameOf(await readCopy(deps)), "offline-run-out");
});

test("at the start of a page what has ended is deleted, and what got no answer is not", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  const look = (ended: boolean | null) => checkCopy(deps.keeping, async () => ended, world.nowMs);
  await look(null);
  await look(false);
  assert.equal(world.kept?.state, "readable");
  await look(true);
  assert.equal(world.kept, null);
});

test("a copy begun while the end of the one before was asked for stays", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  const hasEnded = async (): Promise<boolean> => {
    if (world.kept !== null) world.kept = { ...world.kept, lease: "lease-2" };
    return true;
  };
  await checkCopy(deps.keeping, hasEnded, world.nowMs);
  assert.equal(world.kept?.lease, "lease-2");
});

test("deleting goes through without the server, and after a renewal that was under way", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  world.nowMs += 2 * hourMs;
  await Promise.all([refreshCopy(deps, "ana"), dropCopy(deps.keeping)]);
  assert.equal(world.kept, null);
  await beginCopy(deps, mine);
  world.leaseFailure = { kind: "offline" };
  assert.ok((await endCopy(deps)).ok);
  assert.equal(world.kept, null);
});

test("another passkey's secret opens nothing, and the copy stays for the right one", async () => {
  const { world, deps } = scene();
  await beginCopy(deps, mine);
  const right = world.secret;
  world.secret = new Uint8Array(randomBytes(32)).buffer;
  assert.equal(nameOf(await readCopy(deps)), "offline-damaged");
  world.secret = right;
  assert.equal(nameOf(await readCopy(deps)), "Ana Lima");
});
