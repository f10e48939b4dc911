import { compare } from "#records/matching/compare.ts";
import { scoreOf, type Grade } from "#records/matching/score.ts";
import { personOf } from "#records/matching/person.ts";
import type { Figure } from "./figure.ts";
import { runTrial, type Pair } from "./matching/trial.ts";

/** Not the one from which the weights were learned. */
const seed = 29;
const patients = 8_000;
const comparisons = 20_000;

interface Graded {
  readonly isSame: boolean;
  readonly grade: Grade;
}

const graded = ({ comparison, isSame }: Pair): Graded => ({
  isSame,
  grade: scoreOf(comparison).grade,
});

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Of those given one of these grades, how many are one person; and how many of all duplicates are among them. */
function rates(
  pairs: readonly Graded[],
  duplicates: number,
  grades: readonly Grade[],
): { readonly precision: number; readonly recall: number } {
  const named = pairs.filter(({ grade }) => grades.includes(grade));
  const right = named.filter(({ isSame }) => isSame).length;
  return { precision: share(right, named.length), recall: share(right, duplicates) };
}

function speed(): Figure {
  const a = personOf({ name: [{ family: "Haverford", given: ["Zoë"] }], birthDate: "2006-10-16" });
  const b = personOf({ name: [{ family: "Haverfrod", given: ["Zoe"] }], birthDate: "2006-10-16" });
  const began = performance.now();
  let sum = 0;
  for (let n = 0; n < comparisons; n += 1) sum += scoreOf(compare(a, b)).score;
  const seconds = (performance.now() - began) / 1_000;
  return {
    name: "matching: pairs compared and scored, one thread",
    value: share(sum > 0 ? comparisons : 0, seconds),
    unit: "/s",
    floor: 20_000,
  };
}

/** Second registrations with the slips of a registration desk, looked for in a town of households. */
export async function run(): Promise<readonly Figure[]> {
  const trial = runTrial(seed, patients);
  const pairs = trial.pairs.map(graded);
  const found = pairs.filter(({ isSame }) => isSame).length;
  const certain = rates(pairs, trial.duplicates, ["certain"]);
  const probable = rates(pairs, trial.duplicates, ["certain", "probable"]);
  const possible = rates(pairs, trial.duplicates, ["certain", "probable", "possible"]);
  const figure = (name: string, value: number, floor: number): Figure => ({
    name: `matching: ${name}`,
    value: value * 100,
    unit: "%",
    floor,
  });
  return [
    figure("duplicates that the look-up brings up", share(found, trial.duplicates), 99),
    figure("precision of certain", certain.precision, 99.9),
    figure("recall of certain", certain.recall, 50),
    figure("precision of certain and probable", probable.precision, 99),
    figure("recall of certain and probable", probable.recall, 85),
    figure("precision of possible and better", possible.precision, 90),
    figure("recall of possible and better", possible.recall, 95),
    speed(),
  ];
}
