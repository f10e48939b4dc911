import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import type { AuditEntry } from "#core/audit-entry.ts";
import { systemClock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Caller } from "#records/caller.ts";
import { createDoor, refused, type Chunk, type DoorDeps } from "#records/door.ts";
import { BrokenOff } from "#records/http.ts";
import { testFacts } from "#records/testing.ts";
import { touch, type Visit } from "#records/visit.ts";

const at = systemClock.now();
const about = touch({ action: "export", compartment: null, type: "Patient" });
const chunk = (piece: string, count = 1): Chunk => ({
  kind: "chunk",
  touches: [{ ...about, count }],
  piece,
});

/** A caller of whom only the names matter here. */
const caller = {
  claims: { client: "app" },
  proof: { jti: "one" },
  live: {
    account: "a",
    session: "s",
    device: "d",
    roles: ["patient"],
    own: new Map(),
    actsFor: new Map(),
    patients: new Map(),
    kioskVisit: null,
  },
} as unknown as Caller;

interface Streaming {
  readonly chunks: readonly (Chunk | (() => Chunk))[];
  readonly stillLive?: DoorDeps["stillLive"];
  /** Whether the nth submission is logged; all are by default. */
  readonly isLogged?: (place: number) => boolean;
}

/** A door whose log and session the test holds in its hand. */
function streaming({ chunks, stillLive = async () => ok(null), isLogged }: Streaming) {
  const entries: AuditEntry[] = [];
  const proofs: unknown[] = [];
  const state = { fetched: 0, isClosed: false, submissions: 0 };
  const door = createDoor({
    clock: systemClock,
    log: {
      submit: async ({ entries: made, proof }) => {
        const place = (state.submissions += 1);
        if (isLogged?.(place) === false) return refuse("audit-unavailable");
        entries.push(...made(null));
        if (proof !== undefined) proofs.push(proof);
        return ok({ outcome: null, places: [] });
      },
    },
    identify: async () => ({ ok: true, caller }),
    begin: (_caller, facts): Visit => ({
      at,
      facts,
      caller,
      asker: { practitioner: null, at },
      afterwards: () => {},
      decide: () => ({ permitted: true, policies: [] }),
    }),
    denials: { note: () => {} },
    brake: { hold: async () => null },
    stillLive,
  });
  async function* given(): AsyncGenerator<Chunk, void> {
    try {
      for (const each of chunks) {
        state.fetched += 1;
        yield typeof each === "function" ? each() : each;
      }
    } finally {
      state.isClosed = true;
    }
  }
  const request = { headers: testFacts() } as unknown as IncomingMessage;
  const pass = () =>
    door.pass(request, { path: "/", intent: about }, async () => ({
      kind: "streamed",
      status: 200,
      headers: {},
      chunks: given(),
    }));
  return { pass, entries, proofs, state };
}

async function piecesOf(answer: Awaited<ReturnType<ReturnType<typeof streaming>["pass"]>>) {
  assert.ok(answer.ok);
  const { body } = answer.value;
  assert.ok(body !== null && typeof body === "object" && !Buffer.isBuffer(body));
  return body;
}

test("no piece is given before its own entry is in the log, and none is fetched ahead", async () => {
  const { pass, entries, proofs, state } = streaming({ chunks: [chunk("a"), chunk("b")] });
  const body = await piecesOf(await pass());
  assert.deepEqual([entries.length, proofs.length, state.fetched], [1, 1, 1]);
  assert.equal((await body.next()).value, "a");
  assert.equal(entries.length, 1);
  assert.equal((await body.next()).value, "b");
  assert.deepEqual([entries.length, proofs.length], [2, 1], "a proof serves once");
  assert.equal((await body.next()).done, true);
  assert.ok(state.isClosed);
});

test("a first piece that cannot be logged is no answer at all", async () => {
  const { pass, state } = streaming({ chunks: [chunk("a")], isLogged: () => false });
  const answer = await pass();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.code, "audit-unavailable");
  assert.ok(state.isClosed);
});

test("a later piece that cannot be logged breaks the answer off", async () => {
  const { pass, entries } = streaming({
    chunks: [chunk("a"), chunk("b")],
    isLogged: (place) => place === 1,
  });
  const body = await piecesOf(await pass());
  await body.next();
  await assert.rejects(body.next(), BrokenOff);
  assert.equal(entries.length, 1);
});

test("a refusal at the first piece is a problem, one later breaks off; both are logged", async () => {
  const refusal = refused({ code: "record-damaged" }, about);
  const early = streaming({ chunks: [refusal] });
  const answer = await early.pass();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.code, "record-damaged");
  assert.deepEqual(
    early.entries.map(({ decision }) => decision),
    ["error"],
  );

  const late = streaming({ chunks: [chunk("a"), refusal, chunk("never")] });
  const body = await piecesOf(await late.pass());
  await body.next();
  await assert.rejects(body.next(), BrokenOff);
  assert.deepEqual(
    late.entries.map(({ decision, reasons }) => [decision, ...reasons]),
    [["permit"], ["error", "record-damaged"]],
  );
  assert.equal(late.state.fetched, 2);
});

test("a session that ends between two pieces gets no more, and the log says why", async () => {
  let live: Result<unknown> = ok(null);
  const { pass, entries, state } = streaming({
    chunks: [chunk("a"), chunk("b"), chunk("c")],
    stillLive: async () => live,
  });
  const body = await piecesOf(await pass());
  await body.next();
  live = refuse("session-ended");
  await assert.rejects(body.next(), BrokenOff);
  assert.deepEqual(
    entries.map(({ decision, reasons, count }) => [decision, count, ...reasons]),
    [
      ["permit", 1],
      ["deny", 0, "session-ended"],
    ],
  );
  assert.ok(state.isClosed);
});

test("when the caller goes away the walk behind is ended", async () => {
  const { pass, entries, state } = streaming({ chunks: [chunk("a"), chunk("b"), chunk("c")] });
  const body = await piecesOf(await pass());
  await body.next();
  await body.return();
  assert.ok(state.isClosed);
  assert.deepEqual([state.fetched, entries.length], [1, 1]);
});
