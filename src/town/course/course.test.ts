import assert from "node:assert/strict";
import { test } from "node:test";
import { daysPerYear, fixedDay } from "#town/calendar.ts";
import { ailment, ailmentKeys } from "#town/codes/ailments.ts";
import { type MeasureKey, measures } from "#town/codes/measures.ts";
import { createBody, type Readings } from "#town/course/body.ts";
import { heightAt, weightAt } from "#town/course/growth.ts";
import type { Problem, Treatment } from "#town/course/life.ts";
import { planLife } from "#town/course/plan.ts";
import { visitsMax } from "#town/course/visits.ts";
import { type Person, personAt } from "#town/person.ts";
import { createWorld } from "#town/world.ts";

const world = createWorld(7, fixedDay("2026-07-01"));
const ana = personAt(world, 0);
const onset = fixedDay("2018-01-01");

function yearsIn(
  problems: readonly Problem[],
  treatments: readonly Treatment[],
  key: MeasureKey,
  years: readonly number[],
): readonly number[] {
  const body = createBody(ana, world.dice("test body", 1), problems, treatments);
  return years.map((year) =>
    average(key, (at) => body(onset + Math.floor(year * daysPerYear), world.dice("test day", at))),
  );
}

function average(key: MeasureKey, readingsOf: (at: number) => Readings): number {
  const values = Array.from({ length: 25 }, (_, at) => readingsOf(at)(key));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const diabetes: Problem = { key: "diabetes", onset, noticed: onset };

test("HbA1c rises before diabetes is noticed, falls when metformin takes hold, and creeps up again", () => {
  const metformin: Treatment = { medicine: "metformin500", reason: "diabetes", start: onset + 30 };
  const [before = 0, found = 0, treated = 0, later = 0] = yearsIn(
    [diabetes],
    [metformin],
    "hba1c",
    [-3, 0, 0.6, 5],
  );
  assert.ok(before < 5.8, `${before}`);
  assert.ok(found > 7, `${found}`);
  assert.ok(treated < found - 0.8, `${treated}`);
  assert.ok(later > treated + 0.3, `${later}`);
});

test("without a medicine the same person's HbA1c stays high", () => {
  const [found = 0, later = 0] = yearsIn([diabetes], [], "hba1c", [0, 2]);
  assert.ok(later >= found);
});

test("blood pressure falls by two medicines more than by one", () => {
  const pressure: Problem = { key: "hypertension", onset, noticed: onset };
  const lisinopril: Treatment = { medicine: "lisinopril10", reason: "hypertension", start: onset };
  const amlodipine: Treatment = { medicine: "amlodipine5", reason: "hypertension", start: onset };
  const [none = 0] = yearsIn([pressure], [], "systolic", [1]);
  const [one = 0] = yearsIn([pressure], [lisinopril], "systolic", [1]);
  const [two = 0] = yearsIn([pressure], [lisinopril, amlodipine], "systolic", [1]);
  assert.ok(none > one + 8 && one > two + 5, `${none} ${one} ${two}`);
});

test("figures of one visit agree: total cholesterol, body mass index and hematocrit follow from the rest", () => {
  const readings = createBody(
    ana,
    world.dice("test body", 2),
    [],
    [],
  )(onset, world.dice("test day", 3));
  const total = readings("ldl") + readings("hdl") + readings("triglycerides") / 5;
  assert.ok(Math.abs(readings("cholesterol") - total) <= 0.5);
  const bmi = readings("weight") / (readings("height") / 100) ** 2;
  assert.ok(Math.abs(readings("bmi") - bmi) < 0.06);
  assert.ok(Math.abs(readings("haematocrit") - readings("haemoglobin") * 2.97) < 0.06);
  assert.equal(readings("weight"), readings("weight"));
});

test("kidney filtration is that of the CKD-EPI 2021 equation", () => {
  const readings = createBody(
    ana,
    world.dice("test body", 4),
    [{ key: "kidneyDisease", onset, noticed: onset }],
    [],
  )(onset, world.dice("test day", 5));
  const age = (onset - ana.birth) / daysPerYear;
  const ratio = readings("creatinine") / 0.7;
  const expected =
    142 * Math.min(ratio, 1) ** -0.241 * Math.max(ratio, 1) ** -1.2 * 0.9938 ** age * 1.012;
  assert.equal(readings("egfr"), Math.round(expected));
  assert.ok(readings("egfr") < 70);
});

test("no figure leaves what a living body can show", () => {
  const everything = ailmentKeys.map((key): Problem => ({ key, onset, noticed: onset }));
  const readings = createBody(
    ana,
    world.dice("test body", 6),
    everything,
    [],
  )(onset + 3000, world.dice("test day", 7), { temperature: 9 });
  for (const [key, { least, most, decimals }] of Object.entries(measures)) {
    const value = readings(asMeasure(key));
    assert.ok(value >= least && value <= most, `${key} is ${value}`);
    assert.equal(Number(value.toFixed(decimals)), value);
  }
});

function asMeasure(key: string): MeasureKey {
  const found = Object.keys(measures).find((one): one is MeasureKey => one === key);
  assert.ok(found !== undefined);
  return found;
}

test("children grow without shrinking, and grown men and women differ", () => {
  for (const sex of ["female", "male"] as const) {
    const build = { sex, tallness: 1, heaviness: 1, bmi: 24 };
    for (let month = 1; month < 216; month += 1) {
      assert.ok(
        heightAt(build, month / 12) >= heightAt(build, (month - 1) / 12),
        `${sex} ${month}`,
      );
      assert.ok(
        weightAt(build, month / 12) >= weightAt(build, (month - 1) / 12),
        `${sex} ${month}`,
      );
    }
  }
  const tall = { tallness: 1, heaviness: 1, bmi: 24 };
  assert.ok(heightAt({ ...tall, sex: "male" }, 30) > heightAt({ ...tall, sex: "female" }, 30) + 8);
});

function crowd(count: number): readonly Person[] {
  return Array.from({ length: count }, (_, at) => personAt(world, at));
}

test("visits come in order, one a day, within the time the clinic knows the person", () => {
  for (const person of crowd(400)) {
    const { visits } = planLife(world, person);
    assert.ok(visits.length <= visitsMax);
    for (const [at, { day }] of visits.entries()) {
      assert.ok(day >= person.registered && day <= person.until);
      assert.ok(at === 0 || day > (visits[at - 1]?.day ?? 0));
    }
  }
});

test("nobody has a condition of the other sex, before its age, or noticed after the last day", () => {
  for (const person of crowd(1_500)) {
    for (const { key, onset: began, noticed } of planLife(world, person).problems) {
      const { risk } = ailment(key);
      assert.ok((person.sex === "female" ? risk.women : risk.men) > 0, key);
      if (person.household.index > 0)
        assert.ok(began - person.birth >= Math.floor(risk.from * daysPerYear), key);
      assert.ok(noticed >= began && noticed <= person.until);
    }
  }
});

test("common conditions are common and rare ones rare", () => {
  const people = crowd(4_000).filter(({ age }) => age >= 40);
  const share = (key: string): number =>
    people.filter((person) => planLife(world, person).problems.some((one) => one.key === key))
      .length / people.length;
  const bounds = [
    ["hypertension", 0.25, 0.6],
    ["diabetes", 0.08, 0.25],
    ["hiv", 0.0005, 0.03],
    ["opioidUse", 0.003, 0.05],
  ] as const;
  for (const [key, low, high] of bounds) {
    const found = share(key);
    assert.ok(found >= low && found <= high, `${key}: ${found}`);
  }
});

test("a mother's pregnancy ends on the birthday of a child who lives with her", () => {
  let births = 0;
  for (const person of crowd(3_000)) {
    for (const { birth, due } of planLife(world, person).pregnancies) {
      if (birth === null) {
        assert.ok(due > person.until);
        continue;
      }
      births += 1;
      assert.ok(
        person.household.members.some((member) => member.kin === "child" && member.birth === birth),
      );
    }
  }
  assert.ok(births > 20);
});
