import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "#core/clock.ts";
import { parsePseudonym, type Pseudonym } from "#core/ids.ts";
import type { KeyService } from "#core/key-service.ts";
import { refuse, type ProblemCode } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { createKeysWatch, type KeysHealth } from "#vault/keys-watch.ts";
import { testVault } from "#vault/testing.ts";
import type { Vault } from "#vault/vault.ts";

function patient(): Pseudonym {
  const pseudonym = parsePseudonym(randomUUID());
  assert.ok(pseudonym !== null);
  return pseudonym;
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.problem.code;
}

const log = { lines: 0, hash: "" };
const status = { kms: "file", kekEpoch: 1, epochs: [], unwraps: 0, log };

interface Watched {
  readonly healths: KeysHealth[];
  readonly health: () => KeysHealth;
  readonly ask: () => Promise<unknown>;
  readonly askForNothing: () => Promise<unknown>;
  answer: ProblemCode | null;
  nowMs: number;
}

function watched(t: TestContext, askEveryMs = 60_000, graceMs = 200_000): Watched {
  const service: KeyService = {
    unwrap: async () => ok([]),
    generate: async () => ok([]),
    status: async () => (world.answer === null ? ok(status) : refuse(world.answer)),
  };
  const healths: KeysHealth[] = [];
  const clock = { now: () => systemClock.now(), monotonicMs: () => world.nowMs };
  const world: Watched = {
    healths,
    health: () => watch.health(),
    ask: () => watch.service.status(),
    askForNothing: () => watch.service.unwrap([]),
    answer: null,
    nowMs: 0,
  };
  const onHealth = (health: KeysHealth): void => void healths.push(health);
  const watch = createKeysWatch({ keys: service, clock, graceMs, askEveryMs, onHealth });
  t.after(() => watch.close());
  return world;
}

test("silence is grace until its time is over, and one answer ends it", async (t) => {
  const world = watched(t);
  world.answer = "key-unavailable";
  world.nowMs = 100_000;
  await world.ask();
  assert.equal(world.health(), "grace");
  world.nowMs = 200_000;
  assert.equal(world.health(), "grace");
  world.nowMs = 200_001;
  assert.equal(world.health(), "gone");
  await world.ask();
  world.answer = null;
  await world.ask();
  assert.equal(world.health(), "ok");
  assert.deepEqual(world.healths, ["grace", "gone", "ok"]);
});

test("a refusal is an answer: the process is there", async (t) => {
  const world = watched(t);
  world.nowMs = 180_000;
  world.answer = "key-brake";
  await world.ask();
  world.nowMs = 360_000;
  assert.equal(world.health(), "ok");
});

test("an answer to nothing does not show that the process is there", async (t) => {
  const world = watched(t);
  world.nowMs = 200_001;
  assert.deepEqual(await world.askForNothing(), ok([]));
  assert.equal(world.health(), "gone");
});

test("grace counts from the last answer, not from the first silence", async (t) => {
  const world = watched(t);
  world.answer = "key-unavailable";
  world.nowMs = 199_000;
  await world.ask();
  world.nowMs = 200_001;
  assert.equal(world.health(), "gone");
});

test("with no grace at all, silence is the end, and the time between two questions is not", async (t) => {
  const world = watched(t, 60_000, 0);
  world.nowMs = 59_000;
  assert.equal(world.health(), "ok");
  world.answer = "key-unavailable";
  await world.ask();
  assert.equal(world.health(), "gone");
});

test("it asks by itself, so that a silence is noticed though nobody needs a key", async (t) => {
  const world = watched(t, 5, 100);
  world.answer = "key-unavailable";
  for (let left = 200; left > 0 && world.health() === "ok"; left -= 1) await sleep(5);
  assert.equal(world.health(), "grace");
  world.nowMs = 200;
  for (let left = 200; left > 0 && world.healths.length < 2; left -= 1) await sleep(5);
  assert.deepEqual(world.healths, ["grace", "gone"]);
});

interface Silenced {
  readonly vault: Vault;
  readonly who: Pseudonym;
  readonly silence: (isSilent: boolean) => void;
  readonly pass: (ms: number) => void;
}

async function silenced(t: TestContext): Promise<Silenced> {
  const { another, keys } = await testVault(t);
  let isSilent = false;
  let nowMs = 0;
  const unavailable = async (): Promise<Result<never>> => refuse("key-unavailable");
  const service: KeyService = {
    unwrap: (asked) => (isSilent ? unavailable() : keys.service.unwrap(asked)),
    generate: (...asked) => (isSilent ? unavailable() : keys.service.generate(...asked)),
    status: () => (isSilent ? unavailable() : keys.service.status()),
  };
  const vault = await another({
    keys: service,
    clock: { now: () => systemClock.now(), monotonicMs: () => nowMs },
    graceMs: 10_000,
  });
  const who = patient();
  assert.ok((await vault.create([who])).ok);
  return {
    vault,
    who,
    silence: (wanted) => {
      isSilent = wanted;
    },
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

test("keys in memory outlive the keys process by the time of grace and no longer", async (t) => {
  const { vault, who, silence, pass } = await silenced(t);
  silence(true);
  pass(10_000);
  assert.equal(codeOf(await vault.keys([who])), "ok");
  assert.notEqual(vault.cached(who, 1), null);
  assert.equal(codeOf(await vault.keys([patient()])), "ok");
  pass(1);
  assert.equal(vault.health(), "gone");
  assert.equal(vault.cached(who, 1), null);
  assert.equal(codeOf(await vault.keys([who])), "key-unavailable");
  assert.equal(codeOf(await vault.keyAt(who, 1)), "key-unavailable");
  assert.equal(codeOf(await vault.create(["organisation"])), "key-unavailable");
});

test("when the keys process is back, keys come again", async (t) => {
  const { vault, who, silence, pass } = await silenced(t);
  silence(true);
  pass(20_000);
  assert.equal(codeOf(await vault.keys([who])), "key-unavailable");
  silence(false);
  // Asked for by name, without waiting for the watch to ask by itself.
  assert.equal(codeOf(await vault.create([patient()])), "key-unavailable");
  for (let left = 400; left > 0 && vault.health() !== "ok"; left -= 1) await sleep(10);
  assert.equal(codeOf(await vault.keys([who])), "ok");
});
