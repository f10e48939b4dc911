import { invariant } from "#core/result.ts";
import { step, stirAt, type Stir, stirFor } from "#town/hash.ts";

/** Chance for one purpose: the same dice always fall the same way. */
export interface Dice {
  /** In [0, 1). */
  unit(): number;
  /** Whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  /** Throws BrokenInvariant on an empty list. */
  pick<T>(list: readonly T[]): T;
  /** Index into `weights`, each as likely as its weight. */
  weighted(weights: readonly number[]): number;
  /** Bell-shaped around `mean`, never further off than six times `spread`. */
  near(mean: number, spread: number): number;
}

/** Opens the dice of a purpose at a place, e.g. ("visit", patient, visit number). */
export type DiceBox = (purpose: string, first: number, second?: number) => Dice;

export function diceBox(seed: number): DiceBox {
  const starts = new Map<string, Stir>();
  return (purpose, first, second = 0) => {
    let start = starts.get(purpose);
    if (start === undefined) {
      start = stirFor(seed, `dice ${purpose}`);
      starts.set(purpose, start);
    }
    return diceOf(stirAt(start, first, second));
  };
}

function diceOf(stir: Stir): Dice {
  const unit = (): number => step(stir) / 0x1_0000_0000;
  const between = (low: number, high: number): number =>
    low + Math.floor(unit() * (high - low + 1));
  return {
    unit,
    between,
    chance: (probability) => unit() < probability,
    pick: (list) => {
      const found = list[between(0, list.length - 1)];
      invariant(found !== undefined, "picked from an empty list");
      return found;
    },
    weighted: (weights) => weightedIndex(weights, unit()),
    near: (mean, spread) => mean + spread * bell(unit),
  };
}

function weightedIndex(weights: readonly number[], unit: number): number {
  let left = unit * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

// Irwin–Hall: twelve units summed have variance one. Additions only, so that no machine's
// logarithm or cosine can round differently.
function bell(unit: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) sum += unit();
  return sum;
}
