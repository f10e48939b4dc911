import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { saidDate } from "#records/readable/dates.ts";

/** A value of a record read so that its numbers keep their text: 1.50 is "1.50". */
export type ReadValue = string | boolean | null | JsonObject | readonly unknown[];

/** Reads a stored resource's text; numbers become text as they were written. */
export function readExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? (context?.source ?? String(value)) : value,
  );
}

const textIn = (value: JsonObject, key: string): string | null => {
  const found = value[key];
  return typeof found === "string" && found !== "" ? found : null;
};

const joined = (parts: readonly (string | null)[], by = " "): string | null => {
  const there = parts.filter((part) => part !== null && part !== "");
  return there.length === 0 ? null : there.join(by);
};

const only = (value: JsonObject, keys: readonly string[]): boolean =>
  Object.keys(value).every((key) => keys.includes(key) || key === "id" || key === "extension");

const coding = (value: JsonObject): string | null => {
  const [display, code] = [textIn(value, "display"), textIn(value, "code")];
  if (display === null) return code;
  return code === null ? display : `${display} (${code})`;
};

function concept(value: JsonObject): string | null {
  const names = listOf(value["coding"]).flatMap((each) =>
    isObject(each) ? (coding(each) ?? []) : [],
  );
  const text = textIn(value, "text");
  const others = names.filter((name) => text === null || !name.startsWith(`${text} (`));
  return joined(
    [text, ...new Set(text !== null && others.length === 0 ? names.slice(1) : others)],
    "; ",
  );
}

function quantity(value: JsonObject): string | null {
  const unit = textIn(value, "unit") ?? textIn(value, "code") ?? textIn(value, "currency");
  return joined([textIn(value, "comparator"), textIn(value, "value"), unit]);
}

const range = (value: JsonObject): string | null =>
  joined([simple(value["low"]), simple(value["high"])], " to ");

const ratio = (value: JsonObject): string | null =>
  joined([simple(value["numerator"]), simple(value["denominator"])], " / ");

function period(value: JsonObject): string | null {
  const [start, end] = [simple(value["start"]), simple(value["end"])];
  if (start === null) return end === null ? null : `until ${end}`;
  return end === null ? `since ${start}` : `${start} to ${end}`;
}

const reference = (value: JsonObject): string | null =>
  textIn(value, "display") ?? textIn(value, "reference") ?? simple(value["identifier"]);

const humanName = (value: JsonObject): string | null =>
  textIn(value, "text") ??
  joined([
    ...listOf(value["prefix"]).map(simple),
    ...listOf(value["given"]).map(simple),
    textIn(value, "family"),
    ...listOf(value["suffix"]).map(simple),
  ]);

const address = (value: JsonObject): string | null =>
  textIn(value, "text") ??
  joined(
    [
      ...listOf(value["line"]).map(simple),
      textIn(value, "city"),
      joined([textIn(value, "state"), textIn(value, "postalCode")]),
      textIn(value, "country"),
    ],
    ", ",
  );

const contactPoint = (value: JsonObject): string | null =>
  joined([textIn(value, "value"), joined([textIn(value, "use"), textIn(value, "system")])], ", ");

function identifier(value: JsonObject): string | null {
  const kind = simple(value["type"]);
  const text = textIn(value, "value");
  return kind === null || text === null ? (text ?? kind) : `${text} (${kind})`;
}

const annotation = (value: JsonObject): string | null =>
  joined(
    [
      textIn(value, "text"),
      joined(
        [simple(value["authorReference"]) ?? textIn(value, "authorString"), simple(value["time"])],
        ", ",
      ),
    ],
    " — ",
  );

interface Form {
  readonly keys: readonly string[];
  /** One of these tells the form from an element that merely has no other keys. */
  readonly mark: readonly string[];
  readonly say: (value: JsonObject) => string | null;
}

/** R4's data types that are said in one line, told apart by the names of their elements. */
const forms: readonly Form[] = [
  { keys: ["coding", "text"], mark: ["coding", "text"], say: concept },
  {
    keys: ["system", "version", "code", "display", "userSelected"],
    mark: ["code", "display"],
    say: coding,
  },
  {
    keys: ["system", "value", "use", "rank", "period"],
    mark: ["use", "rank"],
    say: contactPoint,
  },
  {
    keys: ["use", "type", "system", "value", "period", "assigner"],
    mark: ["value", "type"],
    say: identifier,
  },
  {
    keys: ["value", "comparator", "unit", "system", "code", "currency"],
    mark: ["value", "unit"],
    say: quantity,
  },
  { keys: ["low", "high"], mark: ["low", "high"], say: range },
  { keys: ["numerator", "denominator"], mark: ["numerator", "denominator"], say: ratio },
  { keys: ["start", "end"], mark: ["start", "end"], say: period },
  {
    keys: ["reference", "type", "identifier", "display"],
    mark: ["reference", "display"],
    say: reference,
  },
  {
    keys: ["use", "text", "family", "given", "prefix", "suffix", "period"],
    mark: ["family", "given", "text"],
    say: humanName,
  },
  {
    keys: [
      "use",
      "type",
      "text",
      "line",
      "city",
      "district",
      "state",
      "postalCode",
      "country",
      "period",
    ],
    mark: ["line", "city", "state", "country", "postalCode"],
    say: address,
  },
  {
    keys: ["authorReference", "authorString", "time", "text"],
    mark: ["authorReference", "authorString", "time"],
    say: annotation,
  },
];

const words: Readonly<Record<string, string>> = { true: "Yes", false: "No" };

/** A value in one line; null when it is empty or of a form that has parts of its own. */
export function simple(value: unknown): string | null {
  if (typeof value === "boolean") return words[String(value)] ?? null;
  if (typeof value === "string") return saidDate(value) ?? (value === "" ? null : value);
  if (!isObject(value)) return null;
  const form = forms.find(
    ({ keys, mark }) => only(value, keys) && mark.some((key) => key in value),
  );
  return form === undefined ? null : form.say(value);
}
