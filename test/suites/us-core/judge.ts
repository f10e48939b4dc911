import { evalFhirPath } from "@medplum/core";
import type { Resource, SearchParameter } from "@medplum/fhirtypes";

/**
 * The rival: R4 §3.1.1.4 read as literally as can be, slow and without an index, to disagree with.
 * Values are what the SearchParameter's own FHIRPath expression finds in the whole resource.
 */

export type Json = Readonly<Record<string, unknown>>;

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What the parameter's expression finds in the resource. */
export function valuesOf(parameter: SearchParameter, resource: Json): readonly unknown[] {
  return evalFhirPath(parameter.expression ?? "", resource as unknown as Resource).flat();
}

/** One code, with its system when it has one. */
export interface Token {
  readonly system: string | null;
  readonly code: string;
}

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** §3.1.1.4.10: the tokens that a value of any type stands for. */
export function tokensOf(value: unknown): readonly Token[] {
  if (typeof value === "string") return [{ system: null, code: value }];
  if (typeof value === "boolean") return [{ system: null, code: String(value) }];
  if (!isJson(value)) return [];
  if (Array.isArray(value["coding"])) return value["coding"].flatMap(tokensOf);
  const code = text(value["code"]) ?? text(value["value"]);
  return code === null ? [] : [{ system: text(value["system"]), code }];
}

/** Both ends in ms, both within. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const partial = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;
const minute = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(Z|[+-]\d\d:\d\d)?$/;

/** §3.1.1.4.6: a date stands for the whole of its year, month, day, minute, second or fraction. */
export function stretchOf(date: string): Stretch {
  const short = partial.exec(date);
  if (short !== null) {
    const [, year, month, day] = short.map(Number);
    const from = Date.UTC(year ?? 0, (month || 1) - 1, day || 1);
    const next = day
      ? Date.UTC(year ?? 0, (month ?? 1) - 1, day + 1)
      : month
        ? Date.UTC(year ?? 0, month, 1)
        : Date.UTC((year ?? 0) + 1, 0, 1);
    return { from, to: next - 1 };
  }
  const toMinute = minute.exec(date);
  if (toMinute !== null) {
    const from = Date.parse(`${toMinute[1]}:00${toMinute[2] ?? "Z"}`);
    return { from, to: from + 59_999 };
  }
  const from = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(date) ? date : `${date}Z`);
  return { from, to: date.includes(".") ? from : from + 999 };
}

/** A date, dateTime or instant, or a Period, whose missing end is open; null for anything else. */
export function targetOf(value: unknown): Stretch | null {
  if (typeof value === "string") return stretchOf(value);
  if (!isJson(value)) return null;
  const [start, end] = [text(value["start"]), text(value["end"])];
  if (start === null && end === null) return null;
  return {
    from: start === null ? Number.NEGATIVE_INFINITY : stretchOf(start).from,
    to: end === null ? Number.POSITIVE_INFINITY : stretchOf(end).to,
  };
}

function dateMatches(value: unknown, asked: string): boolean {
  const [, prefix = "", date = ""] = /^([a-z]{2})?(.*)$/.exec(asked) ?? [];
  const target = targetOf(value);
  if (target === null) return false;
  const search = stretchOf(date);
  const within = search.from <= target.from && target.to <= search.to;
  switch (prefix) {
    case "gt":
      return target.to > search.to;
    case "lt":
      return target.from < search.from;
    case "ge":
      return target.to > search.to || within;
    case "le":
      return target.from < search.from || within;
    case "":
    case "eq":
      return within;
    default:
      throw new Error(`the rival does not know ${prefix}`);
  }
}

const folded = (value: string): string =>
  value.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

/** §3.1.1.4.8: of a HumanName or an Address, any of its parts. */
export function stringsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  if (!isJson(value)) return [];
  const parts = ["family", "given", "prefix", "suffix", "text"];
  const place = ["line", "city", "district", "state", "postalCode", "country"];
  return [...parts, ...place].flatMap((name) => stringsOf(value[name]));
}

const stringMatches = (value: unknown, asked: string): boolean =>
  stringsOf(value).some((each) => folded(each).startsWith(folded(asked)));

function tokenMatches(value: unknown, asked: string): boolean {
  const [first = "", second] = asked.split("|");
  return tokensOf(value).some(({ system, code }) => {
    if (second === undefined) return code === first;
    if (first === "") return system === null && code === second;
    return system === first && (second === "" || code === second);
  });
}

/** The literal reference or the canonical address of a value. */
export function referenceOf(value: unknown): string | null {
  return isJson(value) ? text(value["reference"]) : text(value);
}

function referenceMatches(value: unknown, asked: string): boolean {
  const reference = referenceOf(value);
  if (reference === null) return false;
  return reference === asked || (!asked.includes("/") && reference.endsWith(`/${asked}`));
}

const matchers = {
  date: dateMatches,
  string: stringMatches,
  token: tokenMatches,
  reference: referenceMatches,
} as const;

/** Whether the resource matches `parameter=asked`, where a comma means or. */
export function judge(parameter: SearchParameter, asked: string, resource: Json): boolean {
  const { type } = parameter;
  if (!(type in matchers)) throw new Error(`the rival does not know ${type}`);
  const matches = matchers[type as keyof typeof matchers];
  const values = valuesOf(parameter, resource);
  return asked.split(",").some((one) => values.some((value) => matches(value, one)));
}
