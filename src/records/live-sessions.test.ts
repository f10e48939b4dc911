import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { parseInstant, type Clock } from "#core/clock.ts";
import {
  parsePseudonym,
  parseSessionId,
  type Pseudonym,
  type ResourceId,
  type SessionId,
} from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { invariant } from "#core/result.ts";
import { watchLiveSessions, type LiveSessions } from "#records/live-sessions.ts";
import type { LiveRow } from "#records/live-store.ts";
import type { Queryable } from "#storage/database.ts";

const startMs = 1_700_000_000_000;
const one = sessionId(1);

function sessionId(n: number): SessionId {
  const id = parseSessionId(`00000000-0000-4000-8000-${String(n).padStart(12, "0")}`);
  invariant(id !== null, "the test's own id is well formed");
  return id;
}

interface World {
  readonly rows: LiveRow[];
  ms: number;
  mode: "up" | "down" | "hanging";
  readonly since: number[];
  /** Whether it can be read which charts are one person's. */
  knowsCharts: boolean;
  live: LiveSessions;
}

function rowOf(id: SessionId, epoch: number, more: Partial<LiveRow> = {}): LiveRow {
  const at = (ms: number): LiveRow["ends_at"] => parseInstant(startMs + ms) ?? assert.fail();
  return {
    session_id: id,
    account_id: sessionId(100),
    device_id: sessionId(200),
    device_level: 1,
    epoch,
    roles: ["patient", "no-such-role"],
    patients: ["ana"],
    practitioner: null,
    client_ids: ["phylax-portal"],
    idle_ends_at: at(60_000),
    ends_at: at(600_000),
    ended: false,
    acts_for: [],
    acts_for_until: [],
    kiosk_visit: null,
    acts_for_from: [],
    ...more,
  };
}

async function world(t: TestContext, rows: LiveRow[]): Promise<World> {
  const made: Omit<World, "live"> = { rows, ms: 0, mode: "up", since: [], knowsCharts: true };
  const clock: Clock = {
    now: () => parseInstant(startMs + made.ms) ?? assert.fail(),
    monotonicMs: () => made.ms,
  };
  const read = (epoch: number): LiveRow[] => {
    made.since.push(epoch);
    return made.rows.filter((row) => row.epoch > epoch && (epoch > 0 || !row.ended));
  };
  const db = {
    query: (_statement: unknown) => {
      const { values } = _statement as { values: [number] };
      if (made.mode === "hanging") return new Promise(() => {});
      return made.mode === "up"
        ? Promise.resolve(read(values[0]))
        : Promise.reject(new Error("down"));
    },
  } as unknown as Queryable;
  const pseudonymOf = (id: ResourceId): Pseudonym =>
    parsePseudonym(
      `00000000-0000-4000-8000-${Buffer.from(id).toString("hex").padStart(12, "0")}`,
    ) ?? assert.fail();
  const samePerson = {
    refresh: async () => {
      if (!made.knowsCharts) throw new Error("down");
    },
    withOthers: (patients: ReadonlyMap<Pseudonym, ResourceId>) => patients,
  };
  const live = await watchLiveSessions({ db, clock, pseudonymOf, samePerson });
  t.after(() => live.close());
  return Object.assign(made, { live });
}

async function codeOf(live: LiveSessions, id: SessionId): Promise<string> {
  const found = await live.find(id);
  return found.ok ? "live" : found.problem.code;
}

test("a session that lives is found with its person", async (t) => {
  const { live } = await world(t, [rowOf(one, 1)]);
  const found = await live.find(one);
  assert.ok(found.ok);
  assert.deepEqual(found.value.roles, ["patient"]);
  assert.deepEqual([...found.value.patients.values()], ["ana"]);
});

test("one acts for a patient until the grant ends, by the clock at the time of asking", async (t) => {
  const told = {
    acts_for: ["mateo", "lu"],
    acts_for_until: [BigInt(startMs + 5_000), BigInt(startMs + 600_000)],
    acts_for_from: [0n, BigInt(startMs)],
  };
  const made = await world(t, [rowOf(one, 1, told)]);
  const idsNow = async () => {
    const found = await made.live.find(one);
    assert.ok(found.ok);
    const { own, actsFor, patients } = found.value;
    return [own, actsFor, patients].map((ids) => [...ids.values()]);
  };
  assert.deepEqual(await idsNow(), [["ana"], ["mateo", "lu"], ["ana", "mateo", "lu"]]);
  made.ms += 4_999;
  assert.deepEqual((await idsNow())[1], ["mateo", "lu"]);
  made.ms += 1;
  assert.deepEqual(await idsNow(), [["ana"], ["lu"], ["ana", "lu"]]);
});

test("one acts for a patient from when the grant begins, without signing in anew", async (t) => {
  const told = {
    acts_for: ["mateo", "mateo"],
    acts_for_from: [BigInt(startMs + 3_000), BigInt(startMs + 9_000)],
    acts_for_until: [BigInt(startMs + 6_000), BigInt(startMs + 600_000)],
  };
  const made = await world(t, [rowOf(one, 1, told)]);
  for (const [afterMs, patients] of [
    [2_999, []],
    [3_000, ["mateo"]],
    [5_999, ["mateo"]],
    [6_000, []],
    [9_000, ["mateo"]],
  ] as const) {
    made.ms = afterMs;
    const found = await made.live.find(one);
    assert.ok(found.ok);
    assert.deepEqual([...found.value.actsFor.values()], patients, `after ${afterMs} ms`);
  }
});

test("a patient whose beginning was not told is not acted for", async (t) => {
  const until = [BigInt(startMs + 600_000)];
  const told = { acts_for: ["mateo"], acts_for_until: until, acts_for_from: [] };
  const made = await world(t, [rowOf(one, 1, told)]);
  const found = await made.live.find(one);
  assert.ok(found.ok);
  assert.equal(found.value.patients.size, 1);
});

test("a patient whose end was not told is not acted for", async (t) => {
  const made = await world(t, [
    rowOf(one, 1, { acts_for: ["mateo"], acts_for_until: [], acts_for_from: [0n] }),
  ]);
  const found = await made.live.find(one);
  assert.ok(found.ok);
  assert.equal(found.value.patients.size, 1);
});

test("a session that began after the last poll is found at once", async (t) => {
  const made = await world(t, []);
  made.rows.push(rowOf(one, 7));
  assert.equal(await codeOf(made.live, one), "live");
});

test("a session ended by identity is refused as soon as a poll has seen it", async (t) => {
  const made = await world(t, [rowOf(one, 1)]);
  assert.equal(await codeOf(made.live, one), "live");
  made.rows[0] = rowOf(one, 2, { ended: true });
  made.ms += limits.liveStaleMs + 1;
  assert.equal(await codeOf(made.live, one), "session-ended");
});

test("only what changed since the last poll is read", async (t) => {
  const made = await world(t, [rowOf(one, 5), rowOf(sessionId(2), 9)]);
  made.ms += limits.liveStaleMs + 1;
  await made.live.find(one);
  assert.deepEqual(made.since, [0, 9]);
});

test("a session idle too long, or past its end, is refused by the clock alone", async (t) => {
  const made = await world(t, [rowOf(one, 1)]);
  made.ms = 59_999;
  assert.equal(await codeOf(made.live, one), "live");
  made.ms = 60_000;
  assert.equal(await codeOf(made.live, one), "session-ended");
  made.rows[0] = rowOf(one, 2, {
    idle_ends_at: parseInstant(startMs + 9_000_000) ?? assert.fail(),
  });
  made.ms = 600_000;
  assert.equal(await codeOf(made.live, one), "session-ended");
});

test("when identity's state cannot be read for a second, everyone is refused", async (t) => {
  const made = await world(t, [rowOf(one, 1)]);
  made.mode = "down";
  made.ms += limits.liveStaleMs;
  assert.equal(await codeOf(made.live, one), "live");
  made.ms += 1;
  assert.equal(await codeOf(made.live, one), "session-state-stale");
  made.mode = "up";
  assert.equal(await codeOf(made.live, one), "live");
});

test("nobody gets in while it is not known which charts were parted from which", async (t) => {
  const made = await world(t, [rowOf(one, 1)]);
  made.knowsCharts = false;
  made.ms += limits.liveStaleMs + 1;
  assert.equal(await codeOf(made.live, one), "session-state-stale");
  made.knowsCharts = true;
  assert.equal(await codeOf(made.live, one), "live");
});

test("a database that hangs keeps nobody waiting for long", async (t) => {
  const made = await world(t, [rowOf(one, 1)]);
  made.mode = "hanging";
  made.ms += limits.liveStaleMs + 1;
  const beganMs = performance.now();
  assert.equal(await codeOf(made.live, one), "session-state-stale");
  assert.ok(performance.now() - beganMs < 3_000);
});

test("an unknown session is refused", async (t) => {
  const { live } = await world(t, [rowOf(one, 1)]);
  assert.equal(await codeOf(live, sessionId(9)), "session-ended");
});
