import { fields, type Comparison } from "#records/matching/compare.ts";
import { runTrial, type Pair } from "./trial.ts";

// Prints the weights that a town of this seed teaches: bits for each verdict, smoothed by one half,
// and the prior among the pairs that the look-up brings together.
const seed = 11;
const patients = 20_000;

function bitsOf(pairs: readonly Pair[], field: keyof Comparison): Readonly<Record<string, number>> {
  const known = pairs.filter(({ comparison }) => comparison[field] !== "unknown");
  const same = known.filter(({ isSame }) => isSame);
  const others = known.filter(({ isSame }) => !isSame);
  const verdicts = [...new Set(known.map(({ comparison }) => comparison[field]))];
  const share = (list: readonly Pair[], verdict: string): number =>
    (list.filter(({ comparison }) => comparison[field] === verdict).length + 0.5) /
    (list.length + 0.5 * verdicts.length);
  return Object.fromEntries(
    verdicts.map((verdict) => [
      verdict,
      Number(Math.log2(share(same, verdict) / share(others, verdict)).toFixed(1)),
    ]),
  );
}

const { pairs, duplicates } = runTrial(seed, patients);
const same = pairs.filter(({ isSame }) => isSame).length;
const prior = Math.log2(same / (pairs.length - same));
process.stdout.write(`${duplicates} registered twice, ${same} found among ${pairs.length} pairs\n`);
process.stdout.write(`prior ${prior.toFixed(1)}\n`);
for (const field of fields)
  process.stdout.write(`${field} ${JSON.stringify(bitsOf(pairs, field))}\n`);
