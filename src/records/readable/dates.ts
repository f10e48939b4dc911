const months = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
] as const;

const fhirDate =
  /^(\d{4})(?:-(0[1-9]|1[0-2])(?:-(\d\d)(?:T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** A FHIR date, dateTime or instant as it is said, in the zone it was written in; null when it is none. */
export function saidDate(text: string): string | null {
  const found = fhirDate.exec(text);
  if (found === null) return null;
  const [, year = "", month, day, time, zone] = found;
  if (month === undefined) return year;
  const name = months[Number(month) - 1] ?? month;
  if (day === undefined) return `${name} ${year}`;
  const date = `${name} ${Number(day)}, ${year}`;
  if (time === undefined) return date;
  return `${date}, ${time}${zone === undefined ? "" : ` (${zone === "Z" ? "UTC" : `UTC${zone}`})`}`;
}
