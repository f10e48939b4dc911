import { parseInstant, type Instant } from "#core/clock.ts";

/** An object with exactly these keys; null for anything else, so that no unknown key slips by. */
export function exactObject<K extends string>(
  value: unknown,
  names: readonly K[],
): Readonly<Record<K, unknown>> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const found = Object.keys(value);
  if (found.length !== names.length || !names.every((name) => Object.hasOwn(value, name)))
    return null;
  return value as Readonly<Record<K, unknown>>;
}

/** An array of at most `max` items that all parse; null when one does not. */
export function listOf<T>(
  value: unknown,
  max: number,
  parse: (item: unknown) => T | null,
): readonly T[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const parsed: T[] = [];
  for (const item of value) {
    const one = parse(item);
    if (one === null) return null;
    parsed.push(one);
  }
  return parsed;
}

/** Canonical base64url of exactly so many bytes. */
export function bytesOf(value: unknown, count: number): Buffer | null {
  if (typeof value !== "string" || value.length !== Math.ceil((count * 4) / 3)) return null;
  const bytes = Buffer.from(value, "base64url");
  return bytes.length === count && bytes.toString("base64url") === value ? bytes : null;
}

const base64url = /^[A-Za-z0-9_-]*$/;
/** Last characters whose unused low bits are zero, by how many bytes stand past a multiple of three. */
const canonicalEnds = [/^/, /[AQgw]/, /[AEIMQUYcgkosw048]/] as const;

/** The same as text, without decoding it: canonical base64url of exactly so many bytes. */
export function base64urlOf(value: unknown, count: number): string | null {
  if (typeof value !== "string" || value.length !== Math.ceil((count * 4) / 3)) return null;
  const end = canonicalEnds[count % 3];
  return base64url.test(value) && end?.test(value.at(-1) ?? "") === true ? value : null;
}

export function wholeNumber(value: unknown, min: number, max: number): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
    ? value
    : null;
}

export function isoInstant(value: unknown): Instant | null {
  if (typeof value !== "string") return null;
  const at = parseInstant(Date.parse(value));
  return at !== null && new Date(at).toISOString() === value ? at : null;
}

/** JSON.parse that gives undefined, which no JSON text means, instead of throwing. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
