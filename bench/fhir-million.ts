import type { Figure } from "./figure.ts";
import { figuresOf, measure, type Measured } from "./fhir/measure.ts";

const few = 30_000;
const many = 1_000_000;
/** How much worse a figure may be with all of the town than with a little of it. */
const worstShare = 1.3;

function growth(small: Measured, large: Measured): readonly Figure[] {
  const rates = [
    ["read", "read"],
    ["search of Patient by name", "byName"],
    ["search of Observation by patient and code", "byCode"],
    ["create", "create"],
  ] as const;
  const against = `the same with ${small.resources.toLocaleString("en-US")}`;
  const figure = (name: string, worse: number): Figure => ({
    name: `${name}: how much slower`,
    value: worse,
    unit: "×",
    ceiling: worstShare,
    ratio: 1 / worse,
    against,
  });
  return [
    ...rates.map(([name, kind]) => figure(name, small[kind].perSecond / large[kind].perSecond)),
    figure("transaction of 467 entries", large.transaction.p50Ms / small.transaction.p50Ms),
  ];
}

/** The table of `fhir` with a million resources stored; bringing them in takes some minutes. */
export async function run(): Promise<readonly Figure[]> {
  const small = await measure(few);
  const large = await measure(many);
  const stored = large.resources.toLocaleString("en-US");
  const named = figuresOf(large).map((figure) => ({
    ...figure,
    name: `${figure.name}, ${stored}`,
  }));
  return [...named, ...growth(small, large)];
}
