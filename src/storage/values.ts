import { types, TypeOverrides, type CustomTypesConfig } from "pg";
import { parseInstant, type Instant } from "#core/clock.ts";
import { BrokenInvariant } from "#core/result.ts";

/** Object id of `bigint[]` in pg_type.dat; the driver names no array types. */
const int8Array = 1016;

/** `bigint` columns count and number things, so they are safe numbers; one beyond is a broken row. */
export function readBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new BrokenInvariant("a bigint column is beyond 2^53");
  return value;
}

const utcStamp = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00$/;

/** `timestamptz` in a session whose zone is UTC; finer than a millisecond is cut off. */
export function readTimestamp(text: string): Instant {
  const found = utcStamp.exec(text);
  if (found === null) throw new BrokenInvariant("a timestamp is not a UTC time after Christ");
  const [, year = "", month, day, time] = found;
  const sixDigits = year.length > 4 ? `+${year.padStart(6, "0")}` : year;
  const instant = parseInstant(Math.trunc(Date.parse(`${sixDigits}-${month}-${day}T${time}Z`)));
  if (instant === null) throw new BrokenInvariant("a timestamp is beyond what a Date can hold");
  return instant;
}

/** `bigint[]` columns hold 63-bit tokens, so they keep every bit. Nulls within are not expected. */
function readBigints(text: string): readonly bigint[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(BigInt);
}

const asText = (text: string): string => text;

/**
 * How values of a row are read: bigint → number, bigint[] → bigint[], timestamptz → Instant,
 * date → "YYYY-MM-DD", bytea → Buffer, numeric → string, json → parsed, the rest as `pg` has it.
 */
export function rowValues(): CustomTypesConfig {
  const values = new TypeOverrides();
  values.setTypeParser(types.builtins.INT8, readBigint);
  values.setTypeParser(int8Array, readBigints);
  values.setTypeParser(types.builtins.TIMESTAMPTZ, readTimestamp);
  values.setTypeParser(types.builtins.DATE, asText);
  values.setTypeParser(types.builtins.TIMESTAMP, asText);
  return values;
}
