/** The ticks of an axis, from the first to the last, evenly spaced by a round step. */
const wantedSteps = 4;

/**
 * Round ticks that enclose all values. A single value gets room on both sides. Never below zero
 * where no value is. `values` must not be empty.
 */
export function ticksOf(values: readonly number[]): readonly number[] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const spread = high - low || Math.abs(high) || 1;
  const step = roundStep(spread / wantedSteps);
  const lowSteps = round(low / step);
  const highSteps = round(high / step);
  const first = Math.floor(lowSteps);
  const last = Math.ceil(highSteps);
  const start = first === lowSteps && first > 0 ? first - 1 : first;
  const end = last === highSteps ? last + 1 : last;
  // Whole multiples of the step, divided back, so that 0.1 three times is 0.3.
  return Array.from({ length: end - start + 1 }, (_, place) => round((start + place) * step));
}

/** 1, 2 or 5 times a power of ten, not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5].find((one) => one * power >= step) ?? 10;
  return factor * power;
}

function round(value: number): number {
  return Number(value.toPrecision(12));
}
