/** FHIR dates as people write them: only as precise as they were recorded. */
export interface Dates {
  /** "5 May 2024", "May 2024" or "2024"; other text as it stands. */
  readonly day: (fhirDate: string) => string;
  /** With the time of day, when one was recorded. */
  moment(fhirDate: string): string;
  time(fhirDate: string): string;
  /** "Today", "Yesterday", else the weekday and day. */
  dayHeading(fhirDate: string): string;
  /** The calendar day in the reader's zone, to group by: 2024-05-05. */
  readonly dayKey: (fhirDate: string) => string;
  /** Today's calendar day in the reader's zone: 2024-05-05. */
  today(): string;
  /** "Jan 2024", for the axis of a chart; `at` is ms since the epoch. */
  month(at: number): string;
  number(value: number): string;
}

const yearOnly = /^\d{4}$/;
const monthOnly = /^\d{4}-\d{2}$/;
const dayOnly = /^\d{4}-\d{2}-\d{2}$/;

/** `timeZone` is an IANA name; `now` gives milliseconds since the epoch. */
export function createDates(options: {
  locale: string;
  timeZone: string;
  now: () => number;
  words: { today: string; yesterday: string };
}): Dates {
  const { locale, timeZone, now, words } = options;
  const format = (how: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, how);
  const year = format({ year: "numeric", timeZone: "UTC" });
  const month = format({ year: "numeric", month: "long", timeZone: "UTC" });
  const day = format({ dateStyle: "medium", timeZone: "UTC" });
  const localDay = format({ dateStyle: "medium", timeZone });
  const localMoment = format({ dateStyle: "medium", timeStyle: "short", timeZone });
  const localTime = format({ timeStyle: "short", timeZone });
  const shortMonth = format({ year: "numeric", month: "short", timeZone });
  const heading = format({ weekday: "long", day: "numeric", month: "long", timeZone });
  const longHeading = format({ dateStyle: "full", timeZone });
  // en-CA writes the ISO order, whatever the reader's locale is.
  const key = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone });
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 4 });

  // A date without a time belongs to no zone: shifting it would show the day before.
  const unzoned = (text: string): Intl.DateTimeFormat | null =>
    yearOnly.test(text) ? year : monthOnly.test(text) ? month : dayOnly.test(text) ? day : null;

  const write = (text: string, zoned: Intl.DateTimeFormat): string => {
    const at = Date.parse(text);
    return Number.isNaN(at) ? text : (unzoned(text) ?? zoned).format(at);
  };
  const dayKey = (text: string): string => {
    const at = Date.parse(text);
    return Number.isNaN(at) ? text : key.format(at);
  };
  return {
    day: (text) => write(text, localDay),
    moment: (text) => write(text, localMoment),
    time: (text) => write(text, localTime),
    dayKey,
    dayHeading: (text) => {
      const at = Date.parse(text);
      if (Number.isNaN(at)) return text;
      if (dayKey(text) === key.format(now())) return words.today;
      if (dayKey(text) === dayBefore(key.format(now()))) return words.yesterday;
      const sameYear = dayKey(text).slice(0, 4) === key.format(now()).slice(0, 4);
      return (sameYear ? heading : longHeading).format(at);
    },
    today: () => key.format(now()),
    month: (at) => shortMonth.format(at),
    number: (value) => number.format(value),
  };
}

// On the calendar, as a day may have 23 or 25 hours.
function dayBefore(isoDay: string): string {
  return new Date(Date.parse(isoDay) - 86_400_000).toISOString().slice(0, 10);
}

/** The first of the reader's locales in the language of our words, so that both agree. */
export function localeFor(language: string, wanted: readonly string[]): string {
  return wanted.find((one) => one === language || one.startsWith(`${language}-`)) ?? language;
}
