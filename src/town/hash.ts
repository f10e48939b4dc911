/**
 * Four 32-bit words stirred by the step of Chris Doty-Humphrey's sfc32, which is a permutation:
 * two inputs can meet only after they were told apart, and every machine computes the same.
 * Not for secrets: whoever knows the seed knows everything that comes of it.
 */
export interface Stir {
  a: number;
  b: number;
  c: number;
  count: number;
}

/** Enough steps that one changed input bit has reached every word. */
const stepsPerWord = 4;
const stepsAtEnd = 8;

export function step(stir: Stir): number {
  const out = (stir.a + stir.b + stir.count) | 0;
  stir.count = (stir.count + 1) | 0;
  stir.a = stir.b ^ (stir.b >>> 9);
  stir.b = (stir.c + (stir.c << 3)) | 0;
  stir.c = (((stir.c << 21) | (stir.c >>> 11)) + out) | 0;
  return out >>> 0;
}

function absorb(stir: Stir, word: number): void {
  stir.a ^= word;
  stir.count ^= Math.imul(word, 0x9e3779b1);
  for (let i = 0; i < stepsPerWord; i += 1) step(stir);
}

function absorbNumber(stir: Stir, value: number): void {
  absorb(stir, value | 0);
  absorb(stir, Math.floor(value / 0x1_0000_0000) | 0);
}

/** The start of everything that is drawn for one purpose, e.g. "visit" or "Observation". */
export function stirFor(seed: number, purpose: string): Stir {
  const stir: Stir = { a: 0x243f6a88, b: 0x85a308d3, c: 0x13198a2e, count: 1 };
  absorbNumber(stir, seed);
  for (let i = 0; i < purpose.length; i += 1) absorb(stir, purpose.charCodeAt(i) + 1);
  return stir;
}

/** A fresh state for one place within a purpose; `start` is left as it was. */
export function stirAt(start: Stir, first: number, second: number): Stir {
  const stir = { ...start };
  absorbNumber(stir, first);
  absorbNumber(stir, second);
  for (let i = 0; i < stepsAtEnd; i += 1) step(stir);
  return stir;
}
