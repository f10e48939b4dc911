/** A stretch of time in milliseconds since the epoch, both ends within it. */
export interface Bounds {
  readonly from: number;
  readonly to: number;
}

const form =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

/** Date.UTC takes years below 100 for years of the twentieth century. */
function utc(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day);
}

/**
 * The stretch that a FHIR date, dateTime or instant stands for: all of a year, month, day, minute
 * or second (R4 §3.1.1.4.7). A day has no zone and is taken in UTC. Null when the text is none, or
 * names a month or day that does not exist.
 */
export function boundsOf(text: string): Bounds | null {
  const found = form.exec(text);
  if (found === null) return null;
  const [, yearText, monthText, dayText, hour, minute, second, fraction, zone] = found;
  const year = Number(yearText);
  if (monthText === undefined) return { from: utc(year, 0, 1), to: utc(year + 1, 0, 1) - 1 };
  const month = Number(monthText) - 1;
  if (month < 0 || month > 11) return null;
  if (dayText === undefined) return { from: utc(year, month, 1), to: utc(year, month + 1, 1) - 1 };
  const day = Number(dayText);
  const midnight = utc(year, month, day);
  if (day < 1 || new Date(midnight).getUTCDate() !== day) return null;
  if (hour === undefined) return { from: midnight, to: midnight + 86_399_999 };
  const at = midnight + Number(hour) * 3_600_000 + Number(minute) * 60_000 - zoneMs(zone);
  if (second === undefined) return { from: at, to: at + 59_999 };
  const inSecond = at + Number(second) * 1_000;
  if (fraction === undefined) return { from: inSecond, to: inSecond + 999 };
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  return { from: inSecond + ms, to: inSecond + ms };
}

/** `2024-05`: the UTC month in which an instant lies. */
export function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, -17);
}
