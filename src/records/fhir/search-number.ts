import { ok, type Result } from "#core/result.ts";
import type { Bounds } from "#records/fhir/dates.ts";
import {
  filterAlone,
  invalid,
  splitUnescaped,
  unescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";
import { compared, prefixed, type Prefix } from "#records/fhir/search-ranges.ts";
import { amountsOf, type Amount } from "#records/fhir/search-values.ts";

/** A number that is asked for, and the values that it stands for as it was written. */
interface Wanted {
  readonly exact: Bounds;
  /** `to` is the first number beyond it. */
  readonly rounded: Bounds;
  readonly nearly: Bounds;
}

const form = /^([+-]?)(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** The power of ten of the last digit that counts; R4 §3.1.1.4.6 gives `1e2` the values from 95 up to 105. */
function lastPlace(fraction: string | undefined, exponent: string | undefined): number {
  if (fraction === undefined && exponent !== undefined) return Number(exponent) - 1;
  return Number(exponent ?? "0") - (fraction?.length ?? 0);
}

/** Null when the text is no number. Whole numbers find the ends: floating point would round them. */
export function wantedNumber(text: string): Wanted | null {
  const found = form.exec(text);
  if (found === null || !Number.isFinite(Number(text))) return null;
  const [, sign = "", whole = "", fraction, exponent] = found;
  const value = Number(text);
  const place = lastPlace(fraction, exponent);
  // In tenths of that digit, of which half a digit is five.
  const scale = Number(exponent ?? "0") - (fraction?.length ?? 0) - (place - 1);
  const tenths = BigInt(`${sign}${whole}${fraction ?? ""}`.replace("+", "")) * 10n ** BigInt(scale);
  const at = (offset: bigint): number => Number(`${tenths + offset}e${place - 1}`);
  const tenth = Math.abs(value) / 10;
  return {
    exact: { from: value, to: value },
    rounded: { from: at(-5n), to: at(5n) },
    nearly: { from: value - tenth, to: value + tenth },
  };
}

/** R4 §3.1.1.4.5: `eq` and `ne` go by the digits that were written, comparisons by the number itself. */
function answers(prefix: Prefix, value: Bounds, { exact, rounded, nearly }: Wanted): boolean {
  // Of the most digits that a double holds, the ends of the rounding may be the number itself.
  const isExact = value.from === exact.from && value.to === exact.to;
  const isEqual = isExact || (rounded.from <= value.from && value.to < rounded.to);
  if (prefix === "eq") return isEqual;
  if (prefix === "ne") return !isEqual;
  return compared[prefix](value, prefix === "ap" ? nearly : exact);
}

const expected = "is not eq, ne, gt, lt, ge, le, sa, eb or ap before a number such as 5.4";

/** A number after a prefix (R4 §3.1.1.4.6). */
export function numberFilter(asked: Asked): Result<ValueFilter> {
  if (asked.modifier !== null) return unsupported(asked, ":missing");
  const { prefix, rest } = prefixed(asked.value);
  const wanted = wantedNumber(rest);
  if (wanted === null) return invalid(asked, expected);
  return ok(
    filterAlone((values) =>
      values.flatMap(amountsOf).some(({ range }) => answers(prefix, range, wanted)),
    ),
  );
}

/** R4 §3.1.1.4.11: `number|system|code` names the unit by its code, `number||code` by code or as printed. */
function unitTest(system: string, code: string): (amount: Amount) => boolean {
  if (system === "") return (amount) => code === "" || amount.code === code || amount.unit === code;
  return (amount) => amount.system === system && (code === "" || amount.code === code);
}

/** A quantity after a prefix. Units are compared as they are given, not converted. */
export function quantityFilter(asked: Asked): Result<ValueFilter> {
  if (asked.modifier !== null) return unsupported(asked, ":missing");
  const { prefix, rest } = prefixed(asked.value);
  const [number = "", system = "", code = "", ...more] = splitUnescaped(rest, "|").map(unescaped);
  const wanted = wantedNumber(number);
  if (wanted === null || more.length > 0 || (system !== "" && code === "" && !rest.endsWith("|")))
    return invalid(asked, `${expected}, then |system|code or ||code`);
  const hasUnit = unitTest(system, code);
  return ok(
    filterAlone((values) =>
      values
        .flatMap(amountsOf)
        .some((amount) => hasUnit(amount) && answers(prefix, amount.range, wanted)),
    ),
  );
}
