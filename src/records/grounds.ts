/**
 * What a verdict stands on: ids of policies, and beside them marks for the log. They go together, as
 * what is shown together stands on all of them.
 */
export type Grounds = readonly string[];

// No policy's id has a colon.
const decidedMark = "decided:";
const obligationMark = "obligation:";
const openingMark = "opening-";

/** What policy was asked. */
export const decidedGround = (asked: string): string => decidedMark + asked;

/** What the permit is bound to. */
export const obligationGround = (text: string): string => obligationMark + text;

/** The chart's being open in an emergency. */
export const openingGround = (opening: string): string => openingMark + opening;

export const standsOnOpening = (grounds: Grounds): boolean =>
  grounds.some((name) => name.startsWith(openingMark));

const marked = (grounds: Grounds, mark: string): readonly string[] => [
  ...new Set(
    grounds.filter((name) => name.startsWith(mark)).map((name) => name.slice(mark.length)),
  ),
];

/** The grounds as the fields of a log entry. */
export function groundsForLog(grounds: Grounds): {
  readonly reasons: readonly string[];
  readonly decided: readonly string[];
  readonly obligations: readonly string[];
} {
  return {
    reasons: grounds.filter(
      (name) => !name.startsWith(decidedMark) && !name.startsWith(obligationMark),
    ),
    decided: marked(grounds, decidedMark),
    obligations: marked(grounds, obligationMark),
  };
}
