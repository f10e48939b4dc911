import { invariant } from "#core/result.ts";

/** Whole days since 1970-01-01, of no time zone. */
export type Day = number;

export const daysPerYear = 365.2425;

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly date: number;
}

// Counts from 1 March, so that the leap day is the last of its year and 400 years are one cycle.
const daysPer400Years = 146_097;
const daysFromMarch0000To1970 = 719_468;

export function dayOf(year: number, month: number, date: number): Day {
  const y = month <= 2 ? year - 1 : year;
  const cycle = Math.floor(y / 400);
  const yearOfCycle = y - cycle * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + date - 1;
  const dayOfCycle =
    yearOfCycle * 365 + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100) + dayOfYear;
  return cycle * daysPer400Years + dayOfCycle - daysFromMarch0000To1970;
}

function civil(day: Day): CivilDate {
  const shifted = day + daysFromMarch0000To1970;
  const cycle = Math.floor(shifted / daysPer400Years);
  const dayOfCycle = shifted - cycle * daysPer400Years;
  const yearOfCycle = Math.floor(
    (dayOfCycle -
      Math.floor(dayOfCycle / 1460) +
      Math.floor(dayOfCycle / 36_524) -
      Math.floor(dayOfCycle / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0),
    month,
    date: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

export function yearOf(day: Day): number {
  return civil(day).year;
}

/** 1 to 12. */
export function monthOf(day: Day): number {
  return civil(day).month;
}

/** Whole years lived on `day`, as a birthday counts them. */
export function ageOn(birth: Day, day: Day): number {
  const born = civil(birth);
  const now = civil(day);
  const hadBirthday = now.month > born.month || (now.month === born.month && now.date >= born.date);
  return now.year - born.year - (hadBirthday ? 0 : 1);
}

function pad(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** FHIR `date`: YYYY-MM-DD. */
export function dateText(day: Day): string {
  const { year, month, date } = civil(day);
  return `${String(year).padStart(4, "0")}-${pad(month)}-${pad(date)}`;
}

/** FHIR `instant` in UTC; `minute` counts from midnight UTC and may run past the day's end. */
export function timeText(day: Day, minute: number): string {
  const over = Math.floor(minute / 1440);
  const rest = minute - over * 1440;
  return `${dateText(day + over)}T${pad(Math.floor(rest / 60))}:${pad(rest % 60)}:00Z`;
}

/** 0 is Sunday. */
export function weekday(day: Day): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** The day itself, or the Monday after a weekend. */
export function workday(day: Day): Day {
  const name = weekday(day);
  if (name === 0) return day + 1;
  return name === 6 ? day + 2 : day;
}

/** Reads YYYY-MM-DD; null when it is no such form or no such day. */
export function parseDay(text: string): Day | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (found === null) return null;
  const day = dayOf(Number(found[1]), Number(found[2]), Number(found[3]));
  return dateText(day) === text ? day : null;
}

/** Reads a date that is written in our own source; throws BrokenInvariant if it is none. */
export function fixedDay(text: string): Day {
  const day = parseDay(text);
  invariant(day !== null, "a fixed date is not a date");
  return day;
}
