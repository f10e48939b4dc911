import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { systemClock, type Clock, type Instant } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { createBlind } from "#identity/blind.ts";
import { createThrottle, delayMs, throttleRules } from "#identity/password/throttle.ts";
import { testDatabase } from "#storage/testing.ts";

const rule = throttleRules.login;

suite("the delay after failed guesses", () => {
  test("is none at first, then doubles up to a quarter of an hour", () => {
    assert.deepEqual(
      [0, 5, 6, 7, 8, 13, 14, 15, 99].map((failures) => delayMs(rule, failures)),
      [0, 0, 2_000, 4_000, 8_000, 256_000, 512_000, 900_000, 900_000],
    );
  });

  test("never shrinks with one more failure", () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.constantFrom(...Object.values(throttleRules)), (count, any) => {
        assert.ok(delayMs(any, count + 1) >= delayMs(any, count));
        assert.ok(delayMs(any, count) <= any.maxDelayMs);
      }),
    );
  });
});

/** A clock that stands still until it is moved. */
function handClock(): Clock & { move(ms: number): void } {
  let at = systemClock.now();
  return {
    now: () => at,
    monotonicMs: () => at,
    move: (ms) => {
      at = (at + ms) as Instant;
    },
  };
}

suite("the throttle", () => {
  test("lets the next guess through when its delay is over, as the rule says for each count", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    const clock = handClock();
    const blind = createBlind(Buffer.alloc(32));
    const throttle = createThrottle({ db, clock, random: systemRandom, blind });
    const login = blind("login", "ana");
    for (let failures = 1; failures <= 18; failures += 1) {
      assert.equal(await throttle.charge(login, `192.0.2.${failures}`), 0, `guess ${failures}`);
      const delay = delayMs(rule, failures);
      if (delay === 0) continue;
      assert.equal(await throttle.charge(login, "192.0.2.99"), delay);
      clock.move(delay - 1);
      assert.equal(await throttle.charge(login, "192.0.2.99"), 1);
      clock.move(1);
    }
  });

  test("lets a guess through that read the clock before another one and came after it", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    const clock = handClock();
    const blind = createBlind(Buffer.alloc(32));
    const throttle = createThrottle({ db, clock, random: systemRandom, blind });
    const login = blind("login", "ana");
    assert.equal(await throttle.charge(login, "192.0.2.1"), 0);
    clock.move(-5);
    assert.equal(await throttle.charge(login, "192.0.2.1"), 0);
    await throttle.forgive(login, "192.0.2.1");
    clock.move(-5);
    assert.equal(await throttle.charge(login, "192.0.2.1"), 0);
  });

  test("counts each of many guesses at once: none slips past", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity", 8);
    const blind = createBlind(Buffer.alloc(32));
    const throttle = createThrottle({ db, clock: handClock(), random: systemRandom, blind });
    const waits = await Promise.all(
      Array.from({ length: 24 }, () => throttle.charge(blind("login", "ana"), "192.0.2.1")),
    );
    assert.equal(waits.filter((wait) => wait === 0).length, rule.free + 1);
    assert.ok(waits.every((wait) => wait === 0 || wait === rule.firstDelayMs));
  });

  test("slows an address that tries many names, and gives back what a true sign-in cost it", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    const blind = createBlind(Buffer.alloc(32));
    const throttle = createThrottle({ db, clock: systemClock, random: systemRandom, blind });
    const guess = (name: number, address: string) =>
      throttle.charge(blind("login", `name-${name}`), address);
    for (let name = 0; name < 60; name += 1) {
      assert.equal(await guess(name, "192.0.2.1"), 0, "a clinic signs in all day");
      await throttle.forgive(blind("login", `name-${name}`), "192.0.2.1");
    }
    for (let name = 0; name < 51; name += 1) assert.equal(await guess(name, "192.0.2.2"), 0);
    assert.ok((await guess(99, "192.0.2.2")) > 0);
    assert.equal(await guess(99, "192.0.2.3"), 0);
  });

  test("counts the addresses of one IPv6 network as one: a guesser has them all", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    const blind = createBlind(Buffer.alloc(32));
    const throttle = createThrottle({ db, clock: handClock(), random: systemRandom, blind });
    const guess = (at: number, network: string) =>
      throttle.charge(blind("login", `name-${at}`), `2001:db8:0:${network}::${at.toString(16)}`);
    for (let at = 1; at <= 51; at += 1) assert.equal(await guess(at, "1"), 0);
    assert.ok((await guess(52, "1")) > 0);
    assert.equal(await guess(53, "2"), 0);
    const recoveries = [];
    for (let at = 0; at < 12; at += 1)
      recoveries.push(await throttle.chargeRecovery(`2001:db8:0:3::${at.toString(16)}`));
    assert.ok((recoveries.at(-1) ?? 0) > 0);
  });

  test("a blocked name does not use up the address of those beside the guesser", async (t) => {
    const db = (await testDatabase(t)).as("phylax_identity");
    const blind = createBlind(Buffer.alloc(32));
    const throttle = createThrottle({ db, clock: handClock(), random: systemRandom, blind });
    for (let count = 0; count < 100; count += 1)
      await throttle.charge(blind("login", "ana"), "192.0.2.1");
    assert.equal(await throttle.charge(blind("login", "bo"), "192.0.2.1"), 0);
  });
});
