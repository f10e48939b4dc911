import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { idlePhase, needsSignOfLife } from "./idle.ts";

const minute = 60_000;
const session = { lastActiveMs: 0, idleMs: 30 * minute, sessionEndsAtMs: 12 * 60 * minute };

test("the warning comes two minutes before the idle end", () => {
  assert.deepEqual(idlePhase({ ...session, nowMs: 28 * minute - 1 }), { phase: "active" });
  assert.deepEqual(idlePhase({ ...session, nowMs: 28 * minute }), {
    phase: "warn",
    leftMs: 2 * minute,
    canStay: true,
  });
  assert.deepEqual(idlePhase({ ...session, nowMs: 30 * minute }), { phase: "over" });
});

test("a short idle time warns in its last fifth", () => {
  const short = { ...session, idleMs: minute };
  assert.equal(idlePhase({ ...short, nowMs: 47_999 }).phase, "active");
  assert.equal(idlePhase({ ...short, nowMs: 48_000 }).phase, "warn");
});

test("at the session's own end nobody can stay, however active", () => {
  const nowMs = session.sessionEndsAtMs - minute;
  const times = { ...session, nowMs, lastActiveMs: nowMs };
  assert.deepEqual(idlePhase(times), { phase: "warn", leftMs: minute, canStay: false });
  assert.equal(idlePhase({ ...times, nowMs: session.sessionEndsAtMs }).phase, "over");
});

test("time only ever leads from active to warning to over", () => {
  const rank = { active: 0, warn: 1, over: 2 } as const;
  const time = fc.integer({ min: 0, max: 40 * minute });
  fc.assert(
    fc.property(time, time, (one, other) => {
      const rankAt = (nowMs: number) => rank[idlePhase({ ...session, nowMs }).phase];
      assert.ok(rankAt(Math.min(one, other)) <= rankAt(Math.max(one, other)));
    }),
  );
});

test("someone active without a request is made known in time, someone away never", () => {
  const times = { idleMs: 30 * minute, lastAnsweredMs: 0 };
  assert.equal(needsSignOfLife({ ...times, nowMs: 8 * minute, lastActiveMs: 7 * minute }), true);
  assert.equal(needsSignOfLife({ ...times, nowMs: 7 * minute, lastActiveMs: 6 * minute }), false);
  assert.equal(needsSignOfLife({ ...times, nowMs: 20 * minute, lastActiveMs: 0 }), false);
});
