/** R4 §2.24.0.1: the form of each primitive type. Each check returns what is wrong, or null. */
type Check = (value: unknown) => string | null;

// R4 `string`: at most 1 MB.
const stringMaxLength = 1_048_576;

// Every character below 32 is forbidden but tab, line feed and carriage return.
const forbiddenControls = /(?![\t\n\r])\p{Cc}(?<![\u007f-\u009f])/u;
const visible = /\S/;

function text(value: unknown): string | null {
  if (typeof value === "string" && value.length > stringMaxLength)
    return "is longer than 1,048,576 characters";
  return unicode(value);
}

function unicode(value: unknown): string | null {
  if (typeof value !== "string") return "must be a string";
  if (forbiddenControls.test(value)) return "holds a control character";
  if (!value.isWellFormed()) return "holds a lone surrogate, which is no Unicode text";
  return visible.test(value) ? null : "must not be blank";
}

// Patterns that search for the first wrong character need no backtracking on a megabyte of text.
function free(forbidden: RegExp, what: string): Check {
  const wrong = `is not ${what}`;
  return (value) => text(value) ?? (forbidden.test(String(value)) ? wrong : null);
}

function matching(pattern: RegExp, what: string): Check {
  const wrong = `is not ${what}`;
  return (value) => text(value) ?? (pattern.test(String(value)) ? null : wrong);
}

const year = "(?!0000)[0-9]{4}";
const month = "(?:0[1-9]|1[0-2])";
const day = "(?:0[1-9]|[12][0-9]|3[01])";
const clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]{1,9})?";
const zone = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))";
const dateForm = new RegExp(`^${year}(?:-${month}(?:-${day})?)?$`);
const dateTimeForm = new RegExp(`^${year}(?:-${month}(?:-${day}(?:T${clock}${zone})?)?)?$`);
const instantForm = new RegExp(`^${year}-${month}-${day}T${clock}${zone}$`);

function daysIn(yearNumber: number, monthNumber: number): number {
  return new Date(Date.UTC(yearNumber, monthNumber, 0)).getUTCDate();
}

function calendar(form: RegExp, what: string): Check {
  const wrong = `is not ${what}`;
  return (value) => {
    if (typeof value !== "string") return "must be a string";
    if (!form.test(value)) return wrong;
    const dayNumber = Number(value.slice(8, 10));
    // Every month has 28 days: the calendar is asked only for the last three.
    if (dayNumber <= 28) return null;
    const last = daysIn(Number(value.slice(0, 4)), Number(value.slice(5, 7)));
    return dayNumber <= last ? null : "names a day that its month does not have";
  };
}

function number(value: unknown): string | null {
  if (typeof value !== "number") return "must be a number";
  return Number.isFinite(value) ? null : "is a number too large to be read";
}

function whole(least: number): Check {
  const most = 2_147_483_647;
  return (value) => {
    const wrong = number(value);
    if (wrong !== null) return wrong;
    const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
    return fits ? null : `must be a whole number from ${least} to ${most}`;
  };
}

function boolean(value: unknown): string | null {
  return typeof value === "boolean" ? null : "must be true or false";
}

const notBase64 = /[^A-Za-z0-9+/=\s]/;
const whitespace = /\s+/g;

function base64(value: unknown): string | null {
  if (typeof value !== "string") return "must be a string";
  const digits = value.replaceAll(whitespace, "");
  const padding = digits.endsWith("==") ? 2 : digits.endsWith("=") ? 1 : 0;
  const padded = digits.indexOf("=") === (padding === 0 ? -1 : digits.length - padding);
  const whole = digits.length > 0 && digits.length % 4 === 0;
  return whole && padded && !notBase64.test(digits) ? null : "is not base64";
}

const word = free(/\s/, "a URI: it holds white space");

const checks: ReadonlyMap<string, Check> = new Map(
  Object.entries<Check>({
    base64Binary: base64,
    boolean,
    canonical: word,
    code: free(/^ | {2}| $|[^\S ]/, "a code"),
    date: calendar(dateForm, "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    dateTime: calendar(
      dateTimeForm,
      "a dateTime: a date, or with time, seconds and zone such as 2024-05-01T09:30:00Z",
    ),
    decimal: number,
    id: matching(/^[A-Za-z0-9.-]{1,64}$/, "an id: 1 to 64 of A-Z a-z 0-9 - and ."),
    instant: calendar(instantForm, "an instant such as 2024-05-01T09:30:00Z"),
    integer: whole(-2_147_483_648),
    markdown: text,
    oid: matching(/^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/, "a urn:oid"),
    positiveInt: whole(1),
    string: text,
    time: matching(new RegExp(`^${clock}$`), "a time such as 09:30:00"),
    unsignedInt: whole(0),
    uri: word,
    url: word,
    uuid: matching(/^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a urn:uuid"),
    // Stored as it was sent, whatever it holds: who shows it takes out what may not be shown.
    xhtml: unicode,
  }),
);

/** What is wrong with a value of this primitive type, in words without the value; null when right. */
export function checkPrimitive(type: string, value: unknown): string | null {
  const check = checks.get(type);
  return check === undefined ? "is of a type that is not known" : check(value);
}
