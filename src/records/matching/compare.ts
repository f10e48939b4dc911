import { soundsOf } from "#records/fhir/person-values.ts";
import type { Home, Person } from "#records/matching/person.ts";

/** How two persons agree in each field. "unknown" where one of them does not say: it counts for nothing. */
export interface Comparison {
  readonly identifier: "same" | "unknown";
  readonly lifelong: "same" | "slip" | "differ" | "unknown";
  readonly family: NameVerdict;
  readonly given: NameVerdict;
  readonly birthDate: "same" | "slip" | "part" | "differ" | "unknown";
  readonly gender: "same" | "differ" | "unknown";
  readonly phone: "same" | "differ" | "unknown";
  readonly email: "same" | "differ" | "unknown";
  readonly home: "same" | "place" | "differ" | "unknown";
  readonly birthOrder: "same" | "differ" | "unknown";
}

/** "short": an initial or the beginning, as Sam of Samuel; "sounds": alike to the ear; "slip": one slip of the hand. */
export type NameVerdict = "same" | "short" | "slip" | "sounds" | "differ" | "unknown";

export const fields = [
  "identifier",
  "lifelong",
  "family",
  "given",
  "birthDate",
  "gender",
  "phone",
  "email",
  "home",
  "birthOrder",
] as const satisfies readonly (keyof Comparison)[];

/** Whether one character more, less, other, or two exchanged make one text the other. */
export function isOneSlip(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1 || a === b) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  const rest = (text: string, from: number): string => text.slice(from);
  if (short.length < long.length) return rest(short, at) === rest(long, at + 1);
  if (rest(short, at + 1) === rest(long, at + 1)) return true;
  return (
    short[at] === long[at + 1] &&
    short[at + 1] === long[at] &&
    rest(short, at + 2) === rest(long, at + 2)
  );
}

/** Shorter names are too easily turned into one another. */
const slipCharacters = 4;

function soundAlike(a: string, b: string): boolean {
  const sounds = new Set(soundsOf(a.replaceAll(" ", "")));
  return soundsOf(b.replaceAll(" ", "")).some((code) => sounds.has(code));
}

function compareName(a: string, b: string): NameVerdict {
  if (a === b) return "same";
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short !== "" && (long.startsWith(short) || long.endsWith(` ${short}`))) return "short";
  if (short.length >= slipCharacters && isOneSlip(a, b)) return "slip";
  return soundAlike(a, b) ? "sounds" : "differ";
}

const nameRank: readonly NameVerdict[] = ["same", "short", "slip", "sounds", "differ"];

/** Of several names, such as one before marriage, the two that are closest. */
function compareNames(a: readonly string[], b: readonly string[]): NameVerdict {
  const verdicts = new Set(a.flatMap((one) => b.map((other) => compareName(one, other))));
  return nameRank.find((verdict) => verdicts.has(verdict)) ?? "unknown";
}

const day = /^(\d{4})-(\d\d)-(\d\d)$/;

function compareBirthDates(a: string | null, b: string | null): Comparison["birthDate"] {
  if (a === null || b === null) return "unknown";
  if (a === b) return day.test(a) ? "same" : "part";
  const [one, other] = [day.exec(a), day.exec(b)];
  if (one === null || other === null) return a.startsWith(b) || b.startsWith(a) ? "part" : "differ";
  const isTurned = one[1] === other[1] && one[2] === other[3] && one[3] === other[2];
  return isTurned || isOneSlip(a.replaceAll("-", ""), b.replaceAll("-", "")) ? "slip" : "differ";
}

const share = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  [...a].some((text) => b.has(text));

function compareSets(
  a: ReadonlySet<string>,
  b: ReadonlySet<string>,
): "same" | "differ" | "unknown" {
  if (a.size === 0 || b.size === 0) return "unknown";
  return share(a, b) ? "same" : "differ";
}

function compareLifelong(a: Person, b: Person): Comparison["lifelong"] {
  const pairs = [...a.lifelong].flatMap(([system, value]) => {
    const other = b.lifelong.get(system);
    return other === undefined ? [] : [[value, other] as const];
  });
  if (pairs.length === 0) return "unknown";
  if (pairs.some(([one, other]) => one === other)) return "same";
  return pairs.some(([one, other]) => isOneSlip(one, other)) ? "slip" : "differ";
}

function compareHomes(a: readonly Home[], b: readonly Home[]): Comparison["home"] {
  if (a.length === 0 || b.length === 0) return "unknown";
  const pairs = a.flatMap((one) => b.map((other) => [one, other] as const));
  const samePlace = pairs.filter(([one, other]) => one.place === other.place);
  if (samePlace.some(([one, other]) => one.line === other.line)) return "same";
  return samePlace.length > 0 ? "place" : "differ";
}

const compareValues = <T>(a: T | null, b: T | null): "same" | "differ" | "unknown" =>
  a === null || b === null ? "unknown" : a === b ? "same" : "differ";

/** Compares two persons, field by field; the same whichever comes first. */
export function compare(a: Person, b: Person): Comparison {
  return {
    identifier: share(a.identifiers, b.identifiers) ? "same" : "unknown",
    lifelong: compareLifelong(a, b),
    family: compareNames(a.families, b.families),
    given: compareNames(a.givens, b.givens),
    birthDate: compareBirthDates(a.birthDate, b.birthDate),
    gender: compareValues(a.gender, b.gender),
    phone: compareSets(a.phones, b.phones),
    email: compareSets(a.emails, b.emails),
    home: compareHomes(a.homes, b.homes),
    birthOrder: compareValues(a.birthOrder, b.birthOrder),
  };
}
