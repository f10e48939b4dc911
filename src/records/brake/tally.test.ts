import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { boundsFor, brakeLimits } from "#records/brake/bounds.ts";
import { addTo, createPeople, deviceOf, newPerson } from "#records/brake/people.ts";
import { createTally, type Showing } from "#records/brake/tally.ts";
import { usualLimits, usualOf } from "#records/brake/usual.ts";
import { verdictOf } from "#records/brake/verdict.ts";

const hour = brakeLimits.windowMs;
const nothing: Showing = { charts: [], listed: [], records: 0 };
const chart = (...charts: string[]): Showing => ({ charts, listed: [], records: charts.length });

test("distinct charts of the last hour are counted as a plain list of all looks would count them", () => {
  const look = fc.record({ patient: fc.integer({ min: 0, max: 5 }), after: fc.nat(hour / 2) });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
      const tally = createTally();
      const all: { patient: string; at: number }[] = [];
      let now = hour * 10;
      for (const { patient, after } of looks) {
        now += after;
        all.push({ patient: `p${patient}`, at: now });
        tally.add(chart(`p${patient}`), now);
        const recent = all.filter(({ at }) => at > now - hour);
        const counts = tally.countsWith(nothing, now);
        assert.equal(counts.charts, new Set(recent.map(({ patient: of }) => of)).size);
        // Records go by stretches of five minutes: none is forgotten before its hour is over.
        assert.ok(counts.records >= recent.length);
        assert.ok(counts.records <= all.filter(({ at }) => at > now - hour * 1.1).length);
      }
    }),
  );
});

test("a look told of late does not make a later one older", () => {
  const tally = createTally();
  tally.add(chart("ana"), hour * 2);
  tally.add(chart("ana"), hour * 1.5);
  assert.equal(tally.countsWith(nothing, hour * 2.9).charts, 1);
  assert.equal(tally.untilLess("charts", hour * 2.5), hour / 2);
});

const { person } = boundsFor({ roles: ["clinician"], share: 1, usual: null });

function withCharts(count: number) {
  const tally = createTally();
  for (let n = 0; n < count; n += 1) tally.add(chart(`p${n}`), hour);
  return tally;
}

test("up to the bound it is free, then it slows more and more, then it stops", () => {
  const at = (count: number) => verdictOf(withCharts(count), person, chart("another"), hour);
  assert.deepEqual(at(person.charts.slow - 1), { kind: "free" });
  const first = at(person.charts.slow);
  const last = at(person.charts.stop - 1);
  assert.ok(first.kind === "slow" && last.kind === "slow");
  assert.ok(first.waitMs >= brakeLimits.waitMs.least && first.waitMs < last.waitMs);
  assert.equal(last.waitMs, brakeLimits.waitMs.most);
  assert.deepEqual(at(person.charts.stop), { kind: "stop", measure: "charts", untilMs: hour });
});

test("a chart that was open within the hour is never what stops her", () => {
  const verdict = verdictOf(withCharts(person.charts.stop), person, chart("p7"), hour);
  assert.equal(verdict.kind, "slow");
});

test("a list of patients is held to a bound of its own", () => {
  const names = Array.from({ length: 1_000 }, (_, n) => `p${n}`);
  const listing = { charts: [], listed: names, records: names.length };
  assert.equal(verdictOf(createTally(), person, listing, hour).kind, "free");
  const opening = { charts: names, listed: [], records: names.length };
  assert.equal(verdictOf(createTally(), person, opening, hour).kind, "stop");
});

test("what is usual is told by nine of ten hours, and by no few or single one", () => {
  const day = Array.from({ length: usualLimits.hours - 1 }, () => 15);
  assert.equal(usualOf(day), null);
  assert.equal(usualOf([...day, 15]), 45);
  assert.equal(usualOf([...day, 4_000]), 45);
  assert.equal(usualOf(Array.from({ length: 30 }, () => 2)), usualLimits.least);
});

test("what is usual narrows the fixed bound and never widens it", () => {
  const clinician = { roles: ["clinician"], share: 1 } as const;
  const used = boundsFor({ ...clinician, usual: 30 }).person.charts;
  assert.deepEqual(used, { slow: 30, stop: 60 });
  assert.deepEqual(boundsFor({ ...clinician, usual: 10_000 }).person.charts, person.charts);
});

test("devices beyond the limit count as one", () => {
  const owner = newPerson(null);
  for (let n = 0; n < 100; n += 1) addTo(owner, `device-${n}`, chart(`p${n}`), hour);
  assert.ok(owner.devices.size <= brakeLimits.devices + 1);
  const beyond = deviceOf(owner, "yet another").countsWith(nothing, hour).charts;
  assert.equal(beyond, 100 - brakeLimits.devices);
});

test("what is remembered is bounded, and who was shown something longest ago is forgotten first", () => {
  const people = createPeople(100);
  for (let n = 0; n < 50; n += 1) {
    const each = newPerson(null);
    addTo(each, "device", chart("a", "b"), hour);
    people.set(`account-${n}`, each);
    people.grown("account-0");
    assert.ok(people.remembered <= 100);
  }
  assert.ok(people.get("account-0") !== undefined);
  assert.equal(people.get("account-1"), undefined);
  assert.ok(people.get("account-49") !== undefined);
});
