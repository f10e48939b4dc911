import { type Day, daysPerYear } from "#town/calendar.ts";
import { ailment } from "#town/codes/ailments.ts";
import { type MeasureKey, measures } from "#town/codes/measures.ts";
import { medicine } from "#town/codes/medicines.ts";
import { type Build, heightAt, weightAt } from "#town/course/growth.ts";
import type { Problem, Treatment } from "#town/course/life.ts";
import type { Dice } from "#town/dice.ts";
import type { Person } from "#town/person.ts";

/** How much of each measure something passing adds, e.g. fever. */
export type Passing = Readonly<Partial<Record<MeasureKey, number>>>;

/** What is measured of one body on one day, rounded as it is reported; asked again, the same. */
export type Readings = (key: MeasureKey) => number;

/** One person's body: what ails it and what it takes show in its figures. */
export type Body = (day: Day, dice: Dice, passing?: Passing) => Readings;

/** A condition shows in the blood before anyone notices; a medicine takes a while to work. */
const comingOnDays = 420;
const takingHoldDays = 85;

export function createBody(
  person: Person,
  dice: Dice,
  problems: readonly Problem[],
  treatments: readonly Treatment[],
): Body {
  const own = new Map<MeasureKey, number>();
  const build: Build = {
    sex: person.sex,
    tallness: dice.near(1, 0.035),
    heaviness: dice.near(1, 0.09),
    bmi: Math.max(17.5, dice.near(25, 2.8)),
  };
  const offset = (key: MeasureKey): number => {
    const known = own.get(key);
    if (known !== undefined) return known;
    const drawn = dice.near(0, measures[key].spread);
    own.set(key, drawn);
    return drawn;
  };
  return (day, today, passing = {}) => {
    const age = (day - person.birth) / daysPerYear;
    const taken = new Map<MeasureKey, number>();
    const get: Readings = (key) => {
      const known = taken.get(key);
      if (known !== undefined) return known;
      const { wobble } = measures[key];
      const swing = wobble === 0 ? 0 : today.near(0, wobble);
      const pull = strain(key, day, problems) + relief(key, day, treatments) + (passing[key] ?? 0);
      const found = settle(key, raw(key, { person, build, age, pull, swing, offset, get }));
      taken.set(key, found);
      return found;
    };
    return get;
  };
}

interface Moment {
  readonly person: Person;
  readonly build: Build;
  readonly age: number;
  /** What illness, medicine and the moment add. */
  readonly pull: number;
  readonly swing: number;
  readonly offset: (key: MeasureKey) => number;
  readonly get: Readings;
}

/** Measures that follow from others, or from growth. */
const derived: Readonly<Partial<Record<MeasureKey, (moment: Moment) => number>>> = {
  height: ({ build, age, swing }) => heightAt(build, age) + swing,
  weight: ({ build, age, pull, swing }) =>
    weightAt(build, age) + scaled(pull, age) + Math.min(swing, age * 0.1),
  bmi: ({ get }) => get("weight") / squareMetres(get("height")),
  cholesterol: ({ get }) => get("ldl") + get("hdl") + get("triglycerides") / 5,
  haematocrit: ({ get }) => get("haemoglobin") * 2.97,
  egfr: ({ get, age, person }) => filtration(get("creatinine"), age, person.sex === "female"),
};

function raw(key: MeasureKey, moment: Moment): number {
  const follows = derived[key];
  if (follows !== undefined) return follows(moment);
  const { person, age, pull, swing, offset } = moment;
  const { typical, men = 0, perYearPast40 = 0 } = measures[key];
  const byAge = Math.max(0, age - 40) * perYearPast40 + childhood(key, age);
  const bySex = person.sex === "male" && age >= 14 ? men : 0;
  return typical + offset(key) + byAge + bySex + pull + swing;
}

function strain(key: MeasureKey, day: Day, problems: readonly Problem[]): number {
  let sum = 0;
  for (const problem of problems) {
    const { effect, drift } = ailment(problem.key);
    const share = clamp((day - problem.onset + comingOnDays) / comingOnDays, 0, 1);
    const years = Math.max(0, (day - problem.onset) / daysPerYear);
    sum += (effect[key] ?? 0) * share + (drift?.[key] ?? 0) * years;
  }
  return sum;
}

function relief(key: MeasureKey, day: Day, treatments: readonly Treatment[]): number {
  let sum = 0;
  for (const { medicine: taken, start } of treatments) {
    sum += (medicine(taken).effect?.[key] ?? 0) * clamp((day - start) / takingHoldDays, 0, 1);
  }
  return sum;
}

/** What a newborn's figure differs by: small hearts beat faster, at lower pressures. */
const newborn: Readonly<Partial<Record<MeasureKey, number>>> = {
  heartRate: 48,
  breathing: 14,
  systolic: -24,
  diastolic: -18,
  creatinine: -0.42,
  haemoglobin: -1,
};

function childhood(key: MeasureKey, age: number): number {
  return (newborn[key] ?? 0) * clamp((16 - age) / 16, 0, 1);
}

// Illness and pregnancy weigh less on a small body.
function scaled(kilograms: number, age: number): number {
  return age >= 18 ? kilograms : kilograms * (age / 18);
}

function squareMetres(centimetres: number): number {
  return (centimetres * centimetres) / 10_000;
}

/** CKD-EPI 2021 without race (Inker et al., N Engl J Med 2021;385:1737). */
function filtration(creatinine: number, age: number, woman: boolean): number {
  const kappa = woman ? 0.7 : 0.9;
  const alpha = woman ? -0.241 : -0.302;
  const ratio = creatinine / kappa;
  const below = Math.min(ratio, 1) ** alpha;
  const above = Math.max(ratio, 1) ** -1.2;
  return 142 * below * above * 0.9938 ** age * (woman ? 1.012 : 1);
}

function settle(key: MeasureKey, value: number): number {
  const { least, most, decimals } = measures[key];
  const scale = 10 ** decimals;
  return Math.round(clamp(value, least, most) * scale) / scale;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
