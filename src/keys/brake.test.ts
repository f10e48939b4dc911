import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseInstant, type Clock } from "#core/clock.ts";
import { openBrakeHours, usualOf } from "#keys/brake-hours.ts";
import { parseBrakeSettings, readBrakeSettings } from "#keys/brake-settings.ts";
import { createBrake, defaultBrake, type Brake, type BrakeDeps } from "#keys/brake.ts";
import { testFolder } from "#keys/testing.ts";

const minute = 60_000;
const records = { role: "records", host: "10.0.0.1" } as const;
const other = { role: "records", host: "10.0.0.2" } as const;

const patients = (count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_, n) => `p${from + n}`);

interface TestBrake extends Brake {
  /** Minutes since the start, of the clock that never goes back. */
  minutes: number;
  /** Minutes by which the clock on the wall was set. */
  wallMinutes: number;
  readonly hours: (readonly [string, number])[];
}

function testBrake(changed: Partial<BrakeDeps> = {}): TestBrake {
  const clock: Clock = {
    now: () => parseInstant((brake.minutes + brake.wallMinutes) * minute) ?? assert.fail(),
    monotonicMs: () => brake.minutes * minute,
  };
  const hours: (readonly [string, number])[] = [];
  const made = createBrake({
    settings: { softPatientsPerHour: 10, hardPatientsPerHour: 50 },
    clock,
    usual: () => null,
    onHour: (host, count) => hours.push([host, count]),
    ...changed,
  });
  const brake: TestBrake = { ...made, minutes: 0, wallMinutes: 0, hours };
  return brake;
}

const passes = { pass: true, signals: [] };
const storm = { pass: true, signals: ["unwrap-storm"] };
const stop = { pass: false, signals: ["unwrap-brake"] };
const stillStopped = { pass: false, signals: [] };

test("up to the soft limit nothing is noticed, one patient above it is a storm, told once", () => {
  const brake = testBrake();
  assert.deepEqual(brake.check(records, patients(10)), passes);
  assert.deepEqual(brake.check(records, patients(1, 10)), storm);
  assert.deepEqual(brake.check(records, patients(1, 11)), passes);
});

test("a storm that doubles is told again", () => {
  const brake = testBrake();
  assert.deepEqual(brake.check(records, patients(11)), storm);
  assert.deepEqual(brake.check(records, patients(22)), passes);
  assert.deepEqual(brake.check(records, patients(23)), storm);
});

test("one patient asked for a thousand times is one patient", () => {
  const brake = testBrake();
  for (let n = 0; n < 1_000; n += 1) assert.deepEqual(brake.check(records, ["p"]), passes);
});

test("above the hard limit further patients are refused, those of this hour still pass", () => {
  const brake = testBrake();
  brake.check(records, patients(50));
  assert.deepEqual(brake.check(records, patients(1, 50)), stop);
  assert.deepEqual(brake.check(records, patients(1, 50)), stillStopped);
  assert.deepEqual(brake.check(records, patients(50)), passes);
});

test("a request that goes over the hard limit is refused whole and not counted", () => {
  const brake = testBrake();
  brake.check(records, patients(9));
  assert.deepEqual(brake.check(records, patients(42, 9)), stop);
  assert.deepEqual(brake.check(records, patients(1, 9)), passes);
});

test("a refusal is told again after ten minutes", () => {
  const brake = testBrake();
  brake.check(records, patients(50));
  assert.deepEqual(brake.check(records, ["new"]), stop);
  brake.minutes = 9;
  assert.deepEqual(brake.check(records, ["new"]), stillStopped);
  brake.minutes = 10;
  assert.deepEqual(brake.check(records, ["new"]), stop);
});

test("an hour later the host is free again", () => {
  const brake = testBrake();
  brake.check(records, patients(50));
  brake.minutes = 59;
  assert.deepEqual(brake.check(records, ["new"]), stop);
  brake.minutes = 60;
  assert.deepEqual(brake.check(records, ["new"]), passes);
});

test("another host has a count of its own", () => {
  const brake = testBrake();
  brake.check(records, patients(50));
  assert.deepEqual(brake.check(other, patients(10, 50)), passes);
});

test("setting the clock on the wall forward or back frees nobody", () => {
  const brake = testBrake();
  brake.check(records, patients(50));
  for (const wallMinutes of [-10_000, 10_000]) {
    brake.wallMinutes = wallMinutes;
    assert.equal(brake.check(records, ["new"]).pass, false);
  }
});

test("a restart frees nobody: what the last process unwrapped counts on until it is an hour old", () => {
  const brake = testBrake();
  brake.recall(records, patients(50), 30 * minute);
  assert.deepEqual(brake.check(records, ["new"]), stop);
  brake.minutes = 31;
  assert.deepEqual(brake.check(records, ["new"]), passes);
});

test("announced work lifts both limits for its patients and its time, no longer", () => {
  const brake = testBrake();
  brake.lift(100, 30);
  assert.deepEqual(brake.check(records, patients(110)), passes);
  assert.deepEqual(brake.check(records, patients(40, 110)), storm);
  assert.deepEqual(brake.check(records, ["new"]), stop);
  brake.minutes = 30;
  assert.deepEqual(brake.check(records, ["newer"]).pass, false);
});

test("a host that is known to be quiet raises the storm at what is unusual for it", () => {
  const brake = testBrake({ usual: (host) => (host === "records 10.0.0.1" ? 3 : null) });
  assert.deepEqual(brake.check(records, patients(4)), storm);
  assert.deepEqual(brake.check(other, patients(4)), passes);
});

test("a busy host's habit never lifts the fixed limits", () => {
  const brake = testBrake({ usual: () => 1_000_000 });
  assert.deepEqual(brake.check(records, patients(11)), storm);
  assert.deepEqual(brake.check(records, patients(51)), stop);
});

test("each hour with work is told with its number of patients, idle ones are not", () => {
  const brake = testBrake();
  brake.check(records, patients(5));
  brake.minutes = 50;
  brake.check(records, patients(7));
  brake.minutes = 300;
  brake.check(records, patients(2));
  brake.minutes = 361;
  brake.check(records, patients(1));
  assert.deepEqual(brake.hours, [
    ["records 10.0.0.1", 7],
    ["records 10.0.0.1", 2],
  ]);
});

test("no more than the hard limit of distinct patients ever passes in any hour", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 80 }))),
      (steps) => {
        const brake = testBrake();
        const passed: { readonly at: number; readonly who: readonly string[] }[] = [];
        steps.forEach(([wait, count], n) => {
          brake.minutes += wait;
          const who = patients(count, n * 30);
          if (brake.check(records, who).pass) passed.push({ at: brake.minutes, who });
          const hour = passed.filter(({ at }) => brake.minutes - at < 60);
          assert.ok(new Set(hour.flatMap((one) => one.who)).size <= 50);
        });
      },
    ),
  );
});

test("what is usual is not known before a day's hours, and then never below 200", () => {
  assert.equal(usualOf(Array.from({ length: 23 }, () => 500)), null);
  assert.equal(usualOf(Array.from({ length: 24 }, () => 500)), 1_500);
  assert.equal(usualOf(Array.from({ length: 24 }, () => 3)), 200);
});

test("one hour in ten of any wildness does not change what is usual", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1_000, max: 1e9 }), { maxLength: 10 }), (wild) => {
      const hours = [...Array.from({ length: 100 - wild.length }, () => 500), ...wild];
      assert.equal(usualOf(hours), 1_500);
    }),
  );
});

test("hours learnt come back at the next start, a damaged file teaches nothing", async (t) => {
  const path = join(await testFolder(t), "brake-hours.json");
  const hours = await openBrakeHours(path);
  for (let n = 0; n < 24; n += 1) await hours.add("records local", 100);
  assert.equal(hours.usual("records local"), 300);
  assert.equal((await openBrakeHours(path)).usual("records local"), 300);
  await writeFile(path, (await readFile(path, "utf8")).replace("100", '"many"'));
  assert.equal((await openBrakeHours(path)).usual("records local"), null);
});

test("limits come from the file beside the keys, and a file that has not both is refused", async (t) => {
  const path = join(await testFolder(t), "brake.json");
  assert.deepEqual(await readBrakeSettings(path), { ok: true, value: defaultBrake });
  const limits = { softPatientsPerHour: 7, hardPatientsPerHour: 9 };
  await writeFile(path, JSON.stringify(limits), { mode: 0o600 });
  assert.deepEqual(await readBrakeSettings(path), { ok: true, value: limits });
  for (const text of ["", "{}", JSON.stringify({ ...limits, softPatientsPerHour: 10 })]) {
    await writeFile(path, text);
    assert.ok(!(await readBrakeSettings(path)).ok);
  }
  assert.equal(parseBrakeSettings({ ...limits, hardPatientsPerHour: 0 }), null);
});
