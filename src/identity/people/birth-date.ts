import type { Brand } from "#core/brand.ts";
import { parseInstant, type Instant } from "#core/clock.ts";

/** A day of the calendar, "YYYY-MM-DD". */
export type BirthDate = Brand<string, "BirthDate">;

const form = /^(\d{4})-(\d\d)-(\d\d)$/;
const oldestYears = 150;

function utcOf(year: number, month: number, day: number): Date {
  return new Date(Date.UTC(year, month - 1, day));
}

/** Null unless it is a real day of the last 150 years that has begun somewhere on Earth. */
export function parseBirthDate(value: unknown, now: Instant): BirthDate | null {
  const found = typeof value === "string" ? form.exec(value) : null;
  if (found === null || typeof value !== "string") return null;
  const [year = 0, month = 0, day = 0] = found.slice(1).map(Number);
  const date = utcOf(year, month, day);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const isOfNow =
    date.getTime() - aheadMs <= now && year >= new Date(now).getUTCFullYear() - oldestYears;
  return isReal && isOfNow ? (value as BirthDate) : null;
}

/** The zone of the Line Islands, UTC+14: a day begins nowhere earlier. */
const aheadMs = 14 * 60 * 60_000;

/**
 * The instant at which the day begins, first of all places on Earth, on which somebody born so is
 * `years` old. What ends then ends too early by some hours almost everywhere and too late nowhere,
 * whatever zone or skewed clock it is asked by. Born on 29 February counts as 28 February.
 */
export function birthdayBegins(birthDate: BirthDate, years: number): Instant {
  const [year = 0, month = 0, day = 0] = birthDate.split("-").map(Number);
  const same = utcOf(year + years, month, day);
  const date = same.getUTCMonth() === month - 1 ? same : utcOf(year + years, month, day - 1);
  const at = parseInstant(date.getTime() - aheadMs);
  if (at === null) throw new RangeError("a birthday beyond what a Date can hold");
  return at;
}
