/** What one member of a config must be; null from `parse` means that it is not. */
type Field<T> = (value: unknown) => T | null;

/** Members that a config must have, and those it may have, which are null when they are not there. */
interface Shape {
  readonly needs: Readonly<Record<string, Field<unknown>>>;
  readonly may: Readonly<Record<string, Field<unknown>>>;
}

type Parsed<S extends Shape> = {
  readonly [N in keyof S["needs"]]: NonNullable<ReturnType<S["needs"][N]>>;
} & { readonly [N in keyof S["may"]]: ReturnType<S["may"][N]> };

/** Null when a needed member is missing, one has the wrong form, or one is unknown. */
export function parseShape<S extends Shape>(value: unknown, { needs, may }: S): Parsed<S> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const members = new Map<string, unknown>(Object.entries(value));
  const parsed: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(needs)) {
    parsed[name] = field(members.get(name));
    if (parsed[name] === null) return null;
    members.delete(name);
  }
  for (const [name, field] of Object.entries(may)) {
    const given = members.get(name) ?? null;
    parsed[name] = given === null ? null : field(given);
    if (given !== null && parsed[name] === null) return null;
    members.delete(name);
  }
  return members.size === 0 ? (parsed as Parsed<S>) : null;
}

const textCharactersMax = 1_024;

/** One of these words. */
export const oneOf =
  <T extends string>(...words: readonly T[]): Field<T> =>
  (value) =>
    words.find((word) => word === value) ?? null;

/** Text that the pattern fits, of at most 1,024 characters. */
export const text =
  (pattern: RegExp): Field<string> =>
  (value) =>
    typeof value === "string" && value.length <= textCharactersMax && pattern.test(value)
      ? value
      : null;

export const absolutePath = text(/^\/[^\0\n]+$/);

export const flag: Field<boolean> = (value) => (typeof value === "boolean" ? value : null);

/** Origin of a service: https, or plain http on this machine itself; no path, no user, no query. */
export const origin: Field<string> = (value) => {
  if (typeof value !== "string" || !URL.canParse(value)) return null;
  const url = new URL(value);
  const isHere = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isHere)) return null;
  return value === url.origin ? url.origin : null;
};
