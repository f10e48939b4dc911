import assert from "node:assert/strict";
import { test } from "node:test";
import { done, fail } from "../api/failure.ts";
import type { Protocol, Tokens, Wanted } from "./oauth.ts";
import { createSession } from "./session.ts";

const me = {
  account: "a-1",
  displayName: "Ana",
  roles: ["patient", "astronaut"],
  patients: ["p-1"],
  actsFor: [],
  practitioner: null,
  language: null,
  sessionEndsAt: "2025-11-20T20:00:00Z",
  idleMs: 1_800_000,
};

const tokens = (access: string): Tokens => ({ access, refresh: "r", endsAtMs: 300_000 });
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });
const problem = (status: number, code: string) =>
  json(status, { type: `urn:phylax:problem:${code}` });

function memoryStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    length: 0,
    clear: () => kept.clear(),
    key: () => null,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

type Answer = (wanted: Wanted, token: string) => Response;

function scene(answer: Answer = () => json(200, me), protocol: Partial<Protocol> = {}) {
  const left: string[] = [];
  const announced: string[] = [];
  const asked: string[] = [];
  const world = { isOnline: true };
  const session = createSession({
    protocol: {
      begin: async ({ returnTo, asking }) => ({
        url: { never: "silent", "when-needed": "loud", anew: "anew" }[asking],
        pending: { state: "s", verifier: "v", returnTo },
      }),
      exchange: async () => done(tokens("t1")),
      refresh: async () => done(tokens("t2")),
      request: async (token, wanted) => {
        asked.push(`${wanted.method} ${wanted.path}`);
        return answer(wanted, token);
      },
      ...protocol,
    },
    storage: memoryStorage(),
    announceEnd: (reason) => announced.push(reason),
    leaveFor: (url) => left.push(url),
    isOnline: () => world.isOnline,
    nowMs: () => 7,
    monotonicMs: () => 0,
  });
  const open = async () => {
    await session.signIn("/access");
    return session.finish(new URL("https://clinic.example/callback?code=c&state=s"));
  };
  return { session, left, announced, asked, world, open };
}

test("a sign-in leaves, comes back to its page, and reads who this is", async () => {
  const { session, left, open } = scene();
  const { outcome, returnTo } = await open();
  assert.deepEqual(left, ["loud"]);
  assert.deepEqual(outcome, done(null));
  assert.equal(returnTo, "/access");
  const state = session.state();
  assert.equal(state.state, "open");
  // A role that is not known gives no rights.
  assert.deepEqual(state.state === "open" && state.me.roles, ["patient"]);
  assert.equal(session.lastAnsweredMs(), 7);
});

test("an answer is good for one use", async () => {
  const { session, open } = scene();
  await open();
  const again = await session.finish(new URL("https://clinic.example/callback?code=c&state=s"));
  assert.equal(again.outcome.ok, false);
});

test("asked in silence and told that a person is needed, the session is closed", async () => {
  const { session, left } = scene(undefined, {
    exchange: async () => fail({ kind: "signed-out" }),
  });
  await session.resume("/record");
  await session.finish(new URL("https://clinic.example/callback?error=login_required&state=s"));
  assert.deepEqual(left, ["silent"]);
  assert.deepEqual(session.state(), { state: "closed", reason: "none", isTold: true });
});

test("without a network nobody leaves the page", async () => {
  const { session, left, world } = scene();
  world.isOnline = false;
  assert.deepEqual(await session.resume("/record"), fail({ kind: "offline" }));
  assert.deepEqual(left, []);
  assert.deepEqual(session.state(), { state: "unknown" });
});

test("a token that the server finds old is renewed once and the request sent again", async () => {
  const { session, asked, open } = scene(({ path }, token) =>
    path === "/fhir/x" && token === "t1" ? problem(401, "token-expired") : json(200, me),
  );
  await open();
  const answer = await session.get("/fhir/x");
  assert.equal(answer.ok && answer.value.status, 200);
  assert.deepEqual(asked, ["GET /api/identity/me", "GET /fhir/x", "GET /fhir/x"]);
});

test("a session that ended elsewhere closes and says so", async () => {
  const { session, open } = scene(({ path }) =>
    path === "/fhir/x" ? problem(401, "session-ended") : json(200, me),
  );
  await open();
  assert.deepEqual(await session.get("/fhir/x"), fail({ kind: "signed-out" }));
  assert.deepEqual(session.state(), { state: "closed", reason: "ended", isTold: true });
  assert.deepEqual(await session.get("/fhir/y"), fail({ kind: "signed-out" }));
});

test("a refusal leaves the session open", async () => {
  const { session, open } = scene(({ path }) =>
    path === "/fhir/x" ? problem(403, "forbidden") : json(200, me),
  );
  await open();
  const answer = await session.get("/fhir/x");
  assert.deepEqual(!answer.ok && answer.failure, {
    kind: "problem",
    code: "forbidden",
    retryAfterSeconds: null,
  });
  assert.equal(session.state().state, "open");
});

test("signing out hides at once, tells server and tabs, and drops the tokens", async () => {
  const { session, asked, announced, open } = scene();
  await open();
  const ending = session.end("signed-out");
  assert.equal(session.state().state, "leaving");
  await ending;
  assert.equal(asked.at(-1), "POST /api/identity/sign-out");
  assert.deepEqual(announced, ["signed-out"]);
  assert.deepEqual(session.state(), { state: "closed", reason: "signed-out", isTold: true });
  assert.deepEqual(await session.get("/fhir/x"), fail({ kind: "signed-out" }));
});

test("a sign-out that the server does not hear closes all the same and admits it", async () => {
  const { session, open } = scene(({ path }) => {
    if (path === "/api/identity/sign-out") throw new TypeError("Failed to fetch");
    return json(200, me);
  });
  await open();
  assert.deepEqual(await session.end("idle"), fail({ kind: "offline" }));
  assert.deepEqual(session.state(), { state: "closed", reason: "idle", isTold: false });
});

test("an answer about who this is that makes no sense opens nothing", async () => {
  const { session, open } = scene(() => json(200, { hello: "world" }));
  const { outcome } = await open();
  assert.equal(outcome.ok, false);
  assert.notEqual(session.state().state, "open");
});

test("a person who must prove herself anew is asked even while she is signed in", async () => {
  const { session, left, open } = scene();
  await open();
  assert.deepEqual(await session.proveAgain("/account"), done(null));
  assert.deepEqual(left, ["loud", "anew"]);
});

test("what is changed or removed is sent with its method, and a body only where there is one", async () => {
  const sent: (string | undefined)[] = [];
  const { session, asked, open } = scene(({ method, json: body }) => {
    if (method !== "GET") sent.push(body);
    return json(200, me);
  });
  await open();
  await session.send("PATCH", "/x", { name: "n" });
  await session.send("DELETE", "/x");
  assert.deepEqual(asked.slice(1), ["PATCH /x", "DELETE /x"]);
  assert.deepEqual(sent, ['{"name":"n"}', undefined]);
});
