/** Sorts by a FHIR date, newest first; what has none, or none that can be read, comes last. */
export function newestFirst<T>(
  items: readonly T[],
  dateOf: (item: T) => string | null,
): readonly T[] {
  const times = new Map(items.map((item) => [item, timeOf(dateOf(item))]));
  return items.toSorted((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
}

/** Milliseconds since the epoch; null when the text is no date. */
export function parseDate(date: string | null): number | null {
  const time = date === null ? Number.NaN : Date.parse(date);
  return Number.isNaN(time) ? null : time;
}

// Before every date that a record can hold; Infinity minus itself would be no number.
const never = -8.64e15;

function timeOf(date: string | null): number {
  return parseDate(date) ?? never;
}
