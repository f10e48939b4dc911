import { isDeepStrictEqual } from "node:util";
import { isObject, listOf } from "#records/fhir/json-value.ts";

/** R4 §5.1.0.11: fixed[x] is the very value, no element more and none less. */
export function isFixed(value: unknown, fixed: unknown): boolean {
  return isDeepStrictEqual(value, fixed);
}

/** R4 §5.1.0.12: whatever pattern[x] holds must be there; more may be. Each of its items, once at least. */
export function fitsPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    const items: readonly unknown[] = pattern;
    return items.every((wanted) => listOf(value).some((item) => fitsPattern(item, wanted)));
  }
  if (!isObject(pattern)) return value === pattern;
  if (!isObject(value)) return false;
  return Object.keys(pattern).every((key) => fitsPattern(value[key], pattern[key]));
}

/** Negative when `value` is less than `limit`, null when the two cannot be compared. */
export function compareHeld(value: unknown, limit: unknown): number | null {
  if (typeof value === "number" && typeof limit === "number") return value - limit;
  if (typeof value === "string" && typeof limit === "string") {
    // Dates and times of one precision order as their texts do; a zone is needed for both, or neither.
    const length = Math.min(value.length, limit.length);
    const [one, other] = [value.slice(0, length), limit.slice(0, length)];
    return /^\d{4}|^\d{2}:/.test(one) ? (one < other ? -1 : one > other ? 1 : 0) : null;
  }
  if (!isObject(value) || !isObject(limit)) return null;
  const sameUnit = value.system === limit.system && value.code === limit.code;
  return sameUnit ? compareHeld(value.value, limit.value) : null;
}
