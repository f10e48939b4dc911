import { toIso, type Instant } from "#core/clock.ts";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { operationOutcome, type Problem } from "#core/problem.ts";
import { unreachable } from "#core/result.ts";

/**
 * Bundles are put together from the texts of their resources as they were stored: to read and
 * write them anew would change numbers and cost more than everything else in an answer.
 */

interface Named {
  readonly type: ResourceType;
  readonly id: ResourceId;
}

/** A stored resource at one of its versions; `text` null for a deletion. */
export interface StoredVersion extends Named {
  readonly version: number;
  readonly lastUpdated: Instant;
  readonly text: string | null;
}

/** What a page of a Bundle says beside its entries. */
export interface BundlePage {
  /** `https://host`: entries stand under its `/fhir`. */
  readonly publicOrigin: string;
  /** Addresses of this page and of the one after it, if there is one. */
  readonly links: { readonly self: string; readonly next?: string };
  /** How many there are on all pages; null when that is not told. */
  readonly total: number | null;
}

const quote = (text: string): string => JSON.stringify(text);

const fullUrlOf = (publicOrigin: string, { type, id }: Named): string =>
  `${publicOrigin}/fhir/${type}/${id}`;

/** A weak ETag of a version (R4 §3.1.0.2). */
export const versionTag = (version: number): string => `W/"${version}"`;

function bundle(type: string, page: BundlePage, entries: readonly string[]): string {
  const { self, next } = page.links;
  const links = [{ relation: "self", url: self }];
  if (next !== undefined) links.push({ relation: "next", url: next });
  const parts = [
    `"resourceType":"Bundle","type":${quote(type)}`,
    ...(page.total === null ? [] : [`"total":${page.total}`]),
    `"link":${JSON.stringify(links)}`,
    // R4 §2.6.2: an array is left out rather than empty.
    ...(entries.length === 0 ? [] : [`"entry":[${entries.join(",")}]`]),
  ];
  return `{${parts.join(",")}}`;
}

/** Says beside the matches that something was left out (R4 §3.1.1.2, mode "outcome"). */
function leftOutEntry(problem: Problem): string {
  const { issue } = operationOutcome(problem);
  const outcome = {
    resourceType: "OperationOutcome",
    issue: issue.map((each) => ({ ...each, severity: "information" })),
  };
  return `{"resource":${JSON.stringify(outcome)},"search":{"mode":"outcome"}}`;
}

function shreddedEntry(count: number): string {
  const detail = `Left out: the records of ${count} ${count === 1 ? "patient" : "patients"}.`;
  return leftOutEntry({ code: "record-shredded", detail });
}

function unreadableEntry(count: number): string {
  const detail = `Left out: ${count} of the FHIR server behind this one that do not follow R4.`;
  return leftOutEntry({ code: "upstream-refused", detail });
}

/** A resource of a searchset: it answers the search, or was brought along by one that does. */
export interface SearchsetEntry {
  readonly mode: "match" | "include";
  readonly resource: Named & { readonly text: string };
}

/**
 * The answer to a search (R4 §3.1.1.2): one page of matches, in the order given. `shredded` counts
 * the patients whose records the search would have looked into, had their keys not been destroyed;
 * `unreadable` counts what another server answered and could not be read.
 */
export function searchsetBundle(
  page: BundlePage & {
    readonly entries: readonly SearchsetEntry[];
    readonly shredded?: number;
    readonly unreadable?: number;
  },
): string {
  const { shredded = 0, unreadable = 0 } = page;
  const entries = page.entries.map(({ mode, resource }) => {
    const fullUrl = quote(fullUrlOf(page.publicOrigin, resource));
    return `{"fullUrl":${fullUrl},"resource":${resource.text},"search":{"mode":"${mode}"}}`;
  });
  return bundle("searchset", page, [
    ...entries,
    ...(shredded === 0 ? [] : [shreddedEntry(shredded)]),
    ...(unreadable === 0 ? [] : [unreadableEntry(unreadable)]),
  ]);
}

function historyEntry(publicOrigin: string, stored: StoredVersion): string {
  const { type, id, version, lastUpdated, text } = stored;
  const request = { method: text === null ? "DELETE" : "PUT", url: `${type}/${id}` };
  const status = text === null ? "204" : version === 1 ? "201" : "200";
  const response = { status, etag: versionTag(version), lastModified: toIso(lastUpdated) };
  const resource = text === null ? "" : `"resource":${text},`;
  const fullUrl = quote(fullUrlOf(publicOrigin, stored));
  return `{"fullUrl":${fullUrl},${resource}"request":${JSON.stringify(request)},"response":${JSON.stringify(response)}}`;
}

/** The versions of a resource, newest first as given (R4 §3.1.0.12). */
export function historyBundle(
  page: BundlePage & { readonly versions: readonly StoredVersion[] },
): string {
  const entries = page.versions.map((stored) => historyEntry(page.publicOrigin, stored));
  return bundle("history", page, entries);
}

/** What became of one entry of a transaction or batch. */
export type EntryOutcome =
  | {
      readonly kind: "written";
      readonly created: boolean;
      readonly type: ResourceType;
      readonly id: ResourceId;
      readonly version: number;
      readonly lastUpdated: Instant;
      /** The stored text when the caller prefers to have it back; null when not. */
      readonly text: string | null;
    }
  | {
      readonly kind: "deleted";
      readonly version: number | null;
      readonly lastUpdated: Instant | null;
    }
  /** The answer of a GET: a resource or a searchset, as text. */
  | { readonly kind: "shown"; readonly text: string; readonly version: number | null }
  /** The answer of a conditional GET whose caller holds that version already. */
  | { readonly kind: "unchanged"; readonly etag: string }
  | { readonly kind: "failed"; readonly status: number; readonly problem: Problem };

function responseEntry(publicOrigin: string, outcome: EntryOutcome): string {
  switch (outcome.kind) {
    case "written": {
      const { created, version, lastUpdated, text } = outcome;
      const response = {
        status: created ? "201 Created" : "200 OK",
        location: `${fullUrlOf(publicOrigin, outcome)}/_history/${version}`,
        etag: versionTag(version),
        lastModified: toIso(lastUpdated),
      };
      return entryText(response, text);
    }
    case "deleted": {
      const etag = outcome.version === null ? {} : { etag: versionTag(outcome.version) };
      const at = outcome.lastUpdated === null ? {} : { lastModified: toIso(outcome.lastUpdated) };
      return entryText({ status: "204 No Content", ...etag, ...at }, null);
    }
    case "shown": {
      const etag = outcome.version === null ? {} : { etag: versionTag(outcome.version) };
      return entryText({ status: "200 OK", ...etag }, outcome.text);
    }
    case "unchanged":
      return entryText({ status: "304 Not Modified", etag: outcome.etag }, null);
    case "failed": {
      const status = String(outcome.status);
      return entryText({ status, outcome: operationOutcome(outcome.problem) }, null);
    }
    default:
      return unreachable(outcome);
  }
}

// No fullUrl: the location tells it, and in a batch two entries may have written one resource.
function entryText(response: object, text: string | null): string {
  const resource = text === null ? "" : `"resource":${text},`;
  return `{${resource}"response":${JSON.stringify(response)}}`;
}

/** The answer to a transaction or batch: an outcome for each entry, in the order of the request. */
export function transactionResponse(
  kind: "transaction" | "batch",
  publicOrigin: string,
  outcomes: readonly EntryOutcome[],
): string {
  const entries = outcomes.map((outcome) => responseEntry(publicOrigin, outcome));
  const list = entries.length === 0 ? "" : `,"entry":[${entries.join(",")}]`;
  return `{"resourceType":"Bundle","type":"${kind}-response"${list}}`;
}
