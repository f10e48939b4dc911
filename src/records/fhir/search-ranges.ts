import type { Bounds } from "#records/fhir/dates.ts";

/** R4 §3.1.1.4.5: how a number or a date that is asked for is to be compared. */
export const prefixes = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] as const;
export type Prefix = (typeof prefixes)[number];

/** `prefix` and the rest of a value; `eq` where it begins with none. */
export function prefixed(value: string): { readonly prefix: Prefix; readonly rest: string } {
  const prefix = prefixes.find((known) => value.startsWith(known));
  return prefix === undefined
    ? { prefix: "eq", rest: value }
    : { prefix, rest: value.slice(prefix.length) };
}

const within = (value: Bounds, wanted: Bounds): boolean =>
  wanted.from <= value.from && value.to <= wanted.to;

const touches = (value: Bounds, wanted: Bounds): boolean =>
  value.from <= wanted.to && wanted.from <= value.to;

/** How a range answers each prefix; both ends of either lie within it. */
export const compared: Readonly<Record<Prefix, (value: Bounds, wanted: Bounds) => boolean>> = {
  eq: within,
  ne: (value, wanted) => !within(value, wanted),
  gt: (value, wanted) => value.to > wanted.to,
  lt: (value, wanted) => value.from < wanted.from,
  // R4 wants more than a touch here; a visit that ended on the first day asked for is found all the same.
  ge: (value, wanted) => value.to >= wanted.from,
  le: (value, wanted) => value.from <= wanted.to,
  sa: (value, wanted) => value.from > wanted.to,
  eb: (value, wanted) => value.to < wanted.from,
  ap: touches,
};
