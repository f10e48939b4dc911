import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { itemsOfArray, topLevelText } from "#records/fhir/json-text.ts";
import { isObject, listOf } from "#records/fhir/json-value.ts";
import { nextPathOf } from "#records/upstream/client.ts";
import type { UpstreamBase } from "#records/upstream/settings.ts";

export const searchsetLimits = {
  /** Matches that are asked for at once; the next page has the rest. */
  page: 200,
  /** Entries that one answer may have. */
  entries: 1_000,
} as const;

/** One page of another server's answer to a search, its resources not looked at yet. */
export interface Searchset {
  /** Texts of the resources that are said to match, in the order of the answer. */
  readonly matches: readonly string[];
  /** Path of the next page; null when this is the last. */
  readonly next: string | null;
}

const unusable = (detail: string): Result<never> => refuse("upstream-refused", { detail });

function parsedMember(text: string, key: string): unknown {
  const member = topLevelText(text, key);
  return member === null ? undefined : JSON.parse(member);
}

/** What was brought along or says something of the search (R4 §3.1.1.2) was not asked for. */
function isMatch(entry: string): boolean {
  const search = parsedMember(entry, "search");
  const mode = isObject(search) ? search.mode : undefined;
  return mode === undefined || mode === "match";
}

function linkOf(text: string): unknown {
  const next = listOf(parsedMember(text, "link")).find(
    (link) => isObject(link) && link.relation === "next",
  );
  return isObject(next) ? next.url : undefined;
}

function matchesOf(entries: readonly string[]): readonly string[] | null {
  const matches = entries.filter(isMatch).map((entry) => topLevelText(entry, "resource"));
  return matches.every((text) => text !== null) ? matches : null;
}

/**
 * Reads a Bundle of type searchset. Fails as "upstream-refused" when it is none, is too long, or
 * leads on to another place than the server that gave it.
 */
export function readSearchset(text: string, base: UpstreamBase): Result<Searchset> {
  if (!scanJson(text, limits.jsonDepth).ok || !text.trimStart().startsWith("{"))
    return unusable("It is not sound JSON.");
  const isSearchset =
    parsedMember(text, "resourceType") === "Bundle" && parsedMember(text, "type") === "searchset";
  if (!isSearchset) return unusable("It is no searchset.");
  const listed = topLevelText(text, "entry");
  if (listed !== null && !listed.startsWith("[")) return unusable("It has no list of entries.");
  const entries = listed === null ? [] : itemsOfArray(listed);
  if (entries.length > searchsetLimits.entries) return unusable("It has too many entries.");
  if (!entries.every((entry) => entry.startsWith("{"))) return unusable("An entry is no object.");
  const matches = matchesOf(entries);
  if (matches === null) return unusable("An entry has no resource.");
  const link = linkOf(text);
  if (link === undefined) return ok({ matches, next: null });
  const next = typeof link === "string" ? nextPathOf(link, base) : null;
  return next === null ? unusable("Its next page lies elsewhere.") : ok({ matches, next });
}
