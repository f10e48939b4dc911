import type { Sex } from "#town/household.ts";

/** Middle of the growth charts by age in years, boys and girls together up to twelve. */
const middle: readonly { readonly age: number; readonly kg: number; readonly cm: number }[] = [
  { age: 0, kg: 3.4, cm: 50 },
  { age: 0.25, kg: 6, cm: 60.5 },
  { age: 0.5, kg: 7.6, cm: 66.5 },
  { age: 1, kg: 9.6, cm: 75 },
  { age: 2, kg: 12.3, cm: 87 },
  { age: 3, kg: 14.4, cm: 95.5 },
  { age: 4, kg: 16.4, cm: 102.5 },
  { age: 6, kg: 20.8, cm: 115.5 },
  { age: 8, kg: 25.8, cm: 128 },
  { age: 10, kg: 32.4, cm: 138.5 },
  { age: 12, kg: 41, cm: 150 },
  { age: 14, kg: 50.5, cm: 160 },
  { age: 16, kg: 58, cm: 166 },
  { age: 18, kg: 63, cm: 169 },
];

const grownUp = 18;

export interface Build {
  readonly sex: Sex;
  /** How far from the middle, e.g. 1.04: four in a hundred taller. */
  readonly tallness: number;
  readonly heaviness: number;
  /** Body mass index as a grown-up, before any illness. */
  readonly bmi: number;
}

function onCurve(age: number, of: "kg" | "cm"): number {
  const above = middle.findIndex((point) => point.age >= age);
  const high = middle[above === -1 ? middle.length - 1 : above];
  const low = middle[above <= 0 ? 0 : above - 1];
  if (high === undefined || low === undefined || high === low) return high?.[of] ?? 0;
  return low[of] + ((high[of] - low[of]) * (age - low.age)) / (high.age - low.age);
}

// Boys and girls part ways after twelve.
function sexFactor(sex: Sex, age: number): number {
  const apart = Math.min(Math.max((age - 12) / 6, 0), 1);
  return 1 + apart * (sex === "male" ? 0.035 : -0.04);
}

/** Centimetres at this age in years, lying or standing. */
export function heightAt(build: Build, age: number): number {
  const grown = onCurve(Math.min(age, grownUp), "cm") * build.tallness * sexFactor(build.sex, age);
  return age <= 60 ? grown : grown - (age - 60) * 0.08;
}

/** Kilograms at this age in years, in health. */
export function weightAt(build: Build, age: number): number {
  if (age < grownUp) {
    return onCurve(age, "kg") * build.heaviness * sexFactor(build.sex, age);
  }
  const metres = heightAt(build, grownUp) / 100;
  const gained = Math.min(age - grownUp, 40) * 0.11;
  return (build.bmi + gained - 2.5) * metres * metres;
}
