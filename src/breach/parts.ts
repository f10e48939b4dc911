import { parsePseudonym } from "#core/ids.ts";
import type { CompartmentRange } from "#breach/exposure-store.ts";

/**
 * Compartments are looked at part by part, so that memory holds those of one part alone. Pseudonyms
 * are as good as random, so their first byte makes parts of one size; what is no patient's makes
 * the last part.
 */
export const partCount = 257;
const othersPart = partCount - 1;

export function partOf(compartment: string): number {
  return parsePseudonym(compartment) === null
    ? othersPart
    : Number.parseInt(compartment.slice(0, 2), 16);
}

export const isOthers = (part: number): boolean => part === othersPart;

/** The compartments of a part; of the last one those that the key table has. */
export function rangeOf(part: number): CompartmentRange {
  if (isOthers(part)) return { from: "organisation", until: "organisation" };
  const byte = part.toString(16).padStart(2, "0");
  return {
    from: `${byte}000000-0000-0000-0000-000000000000`,
    until: `${byte}ffffff-ffff-ffff-ffff-ffffffffffff`,
  };
}
