import { parseInstant } from "#core/clock.ts";
import { parseResourceId, type ResourceId, type ResourceType } from "#core/ids.ts";
import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { refused, type Refusal } from "#records/door.ts";
import { entryTexts, resourceText } from "#records/fhir/bundle-entries.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";
import type { SearchDeps } from "#records/search-matches.ts";
import { searchResources } from "#records/search.ts";
import type { FoundMatch } from "#records/fhir/transaction-target.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";

/** By which a conditional interaction finds its resource (R4 §3.1.0.4.3, §3.1.0.7.1, §3.1.0.8.1). */
export interface Condition {
  readonly type: ResourceType;
  /** Search parameters; at least one. */
  readonly query: URLSearchParams;
  /**
   * The patient in whose record alone a match can be; null when that is not known. Each record is
   * indexed under a key of its own, so that who looks for a resource must know in whose.
   */
  readonly patient: ResourceId | null;
}

/** The condition of a query that may say how to answer, too: that is no part of it. */
export function conditionOf(
  type: ResourceType,
  query: URLSearchParams,
  patient: ResourceId | null,
): Condition {
  const asked = [...query].filter(([name]) => name !== "_format" && name !== "_pretty");
  return { type, query: new URLSearchParams(asked), patient };
}

export type Sought =
  /** `touches`: what the log is told of the looking. */
  | { readonly kind: "none"; readonly touches: readonly Touch[] }
  | { readonly kind: "one"; readonly match: FoundMatch; readonly touches: readonly Touch[] }
  /** As a search is refused, or as "multiple-matches". */
  | Refusal;

// What describes the answer of a search has no meaning where there is none.
const conditionParameters = new Set(["_id", "_lastUpdated", "_tag", "_profile", "_security"]);

function checkCondition({ query }: Condition): Result<null> {
  const odd = [...query.keys()].find((name) => {
    const [code = ""] = name.split(":");
    return code.startsWith("_") && !conditionParameters.has(code);
  });
  if (odd !== undefined)
    return refuse("parameter-unknown", { detail: "A condition takes search parameters alone." });
  return query.size === 0
    ? refuse("parameter-invalid", { detail: "A condition names at least one parameter." })
    : ok(null);
}

function queryOf({ type, query, patient }: Condition): URLSearchParams {
  const asked = new URLSearchParams(query);
  if (patient !== null && type !== "Patient" && searchParameters(type).has("patient"))
    asked.append("patient", patient);
  // Two tell as well as all that there is more than one.
  asked.append("_count", "2");
  return asked;
}

/**
 * What conditions that may find the same have in common. In whose record is left out: it may be
 * named in the query or be known from the resource.
 */
export function conditionKey({ type, query }: Pick<Condition, "type" | "query">): string {
  const asked = new URLSearchParams(query);
  asked.delete("patient");
  asked.delete("subject");
  asked.sort();
  return `${type}?${asked.toString()}`;
}

/** Reads a page that the search has made: its resources, not what stands beside them. */
function matchesIn(bundle: string): readonly FoundMatch[] {
  const scanned = scanJson(bundle, limits.jsonDepth);
  invariant(scanned.ok, "a searchset is JSON");
  return entryTexts({ text: bundle, scanned: scanned.value }).flatMap((entry) => {
    const text = resourceText(entry);
    const value: unknown = JSON.parse(entry);
    const found = text === null ? null : matchOf(value, text);
    return found === null ? [] : [found];
  });
}

function matchOf(entry: unknown, text: string): FoundMatch | null {
  if (!isObject(entry) || !isObject(entry.search) || entry.search.mode !== "match") return null;
  if (!isObject(entry.resource) || !isObject(entry.resource.meta)) return null;
  const id = parseResourceId(String(entry.resource.id));
  const { versionId, lastUpdated: at } = entry.resource.meta;
  const version = Number(versionId);
  const lastUpdated = parseInstant(Date.parse(String(at)));
  return id === null || lastUpdated === null || !Number.isSafeInteger(version)
    ? null
    : { id, version, lastUpdated, text };
}

/**
 * Looks for the resource that meets a condition, among those that the caller may find by a search:
 * one that is there but not for the caller's eyes counts as not there.
 */
export async function seek(deps: SearchDeps, visit: Visit, condition: Condition): Promise<Sought> {
  const { type } = condition;
  const stop = (found: Problem): Refusal =>
    refused(found, touch({ action: "search", compartment: null, type }));
  const sound = checkCondition(condition);
  if (!sound.ok) return stop(sound.problem);
  const asked = { type, query: queryOf(condition), lenient: false };
  const outcome = await searchResources(deps, asked)(visit);
  if (outcome.kind === "refused") return outcome;
  invariant(outcome.kind === "shown", "a search shows a page");
  const { touches, answer } = outcome;
  const { body } = answer;
  invariant(typeof body === "string" || Buffer.isBuffer(body), "a page of a search comes whole");
  const [match, more] = matchesIn(body.toString());
  if (more !== undefined) return stop({ code: "multiple-matches" });
  return match === undefined ? { kind: "none", touches } : { kind: "one", match, touches };
}
