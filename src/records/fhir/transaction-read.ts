import type { BundleEntry } from "@medplum/fhirtypes";
import { scanJson, type Span } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { cutBundle } from "#records/fhir/bundle-text.ts";
import { parseResource } from "#records/fhir/parse.ts";
import {
  carriesResource,
  invalid,
  parseTarget,
  type Target,
  type TransactionDeps,
} from "#records/fhir/transaction-target.ts";

/** An entry as it was sent, with what was found in its request. */
export interface Entry {
  /** From 0. */
  readonly index: number;
  readonly fullUrl: string | null;
  /** Of its resource, to the character; null where it carries none. */
  readonly text: string | null;
  readonly target: Target;
}

/** A Bundle of requests whose envelope follows R4; the resources in it are not yet read. */
export interface BundleRequest {
  /** A transaction is done as a whole or not at all; in a batch each entry stands alone. */
  readonly kind: "transaction" | "batch";
  /** In order. All are sound if it is a transaction. */
  readonly entries: readonly Result<Entry>[];
}

/** A problem of an entry, its place told from the Bundle. */
export function placedAt(index: number, found: Problem): Problem {
  const prefix = `Bundle.entry[${index}]`;
  const within = (at: string): string =>
    `${prefix}.${at.replace(/^[A-Z][A-Za-z]+(?=\.|$)/, "resource")}`;
  const also = found.also?.map(({ at, detail }) => ({ at: within(at), detail }));
  return {
    ...found,
    at: found.at === undefined ? prefix : within(found.at),
    ...(also === undefined ? {} : { also }),
  };
}

/** An entry taken apart: its resource's text, and all else that it says. */
interface Parts {
  readonly resource: string | null;
  readonly rest: string;
}

/** The object's text without one of its keys, and without the comma that parted it from the next. */
function withoutKey(text: string, { keyStart, end }: Span): string {
  const before = text.slice(0, keyStart).trimEnd();
  const after = text.slice(end).trimStart();
  if (after.startsWith(",")) return before + after.slice(1);
  return (before.endsWith(",") ? before.slice(0, -1) : before) + after;
}

function partsOf(entry: string, urls: Set<string>): Result<Parts> {
  const scanned = scanJson(entry, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const { topLevel } = scanned.value;
  const url = topLevel.get("fullUrl");
  if (url !== undefined) {
    const text = entry.slice(url.start, url.end);
    // R4 bdl-7, kept here for all entries and with the place of the one that breaks it.
    if (urls.has(text)) return invalid("fullUrl", "is that of another entry too");
    urls.add(text);
  }
  const span = topLevel.get("resource");
  return span === undefined
    ? ok({ resource: null, rest: entry })
    : ok({ resource: entry.slice(span.start, span.end), rest: withoutKey(entry, span) });
}

/** Entries whose envelopes are checked together: the rules of R4 for a Bundle cost most by the Bundle. */
const entriesATime = 100;

const indexOfEntry = /^Bundle\.entry\[(\d+)\]/;

/** A finding in a part of the Bundle, told as one of the whole. */
function shifted(found: Problem, by: number): Problem {
  const shift = (at: string): string =>
    at.replace(indexOfEntry, (_, index: string) => `Bundle.entry[${Number(index) + by}]`);
  const also = found.also?.map((each) => ({ ...each, at: shift(each.at) }));
  return {
    ...found,
    ...(found.at === undefined ? {} : { at: shift(found.at) }),
    ...(also === undefined ? {} : { also }),
  };
}

/** Checks the envelopes of some entries as a Bundle of their own. */
function envelopesOf(
  rests: readonly string[],
  type: BundleRequest["kind"],
  from: number,
): Result<readonly BundleEntry[]> {
  const text = `{"resourceType":"Bundle","type":"${type}","entry":[${rests.join(",")}]}`;
  const parsed = parseResource(text, { conformance: null });
  if (!parsed.ok) return failed(shifted(parsed.problem, from));
  const { value } = parsed.value;
  return ok(value.resourceType === "Bundle" ? (value.entry ?? []) : []);
}

function readEntry(
  sent: BundleEntry | undefined,
  { resource, index }: { readonly resource: string | null; readonly index: number },
  deps: TransactionDeps,
): Result<Entry> {
  if (sent?.request === undefined) return invalid("request", "is required");
  const target = parseTarget(sent.request, deps);
  if (!target.ok) return target;
  const carries = carriesResource(target.value);
  if (carries !== (resource !== null))
    return invalid("resource", carries ? "is required" : "must not be given");
  return ok({ index, fullUrl: sent.fullUrl ?? null, text: resource, target: target.value });
}

/** Reads all of the Bundle but its entries. */
function kindOf(header: string, count: number): Result<BundleRequest["kind"]> {
  const scanned = scanJson(header, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const span = count === 0 ? undefined : scanned.value.topLevel.get("entry");
  // The list that the entries were taken from is empty, which R4 has no list be.
  const parsed = parseResource(span === undefined ? header : withoutKey(header, span), {
    conformance: null,
  });
  if (!parsed.ok) return parsed;
  const { value } = parsed.value;
  if (value.resourceType !== "Bundle")
    return refuse("resource-type-mismatch", { at: "resourceType" });
  return value.type === "transaction" || value.type === "batch"
    ? ok(value.type)
    : invalid("Bundle.type", "must be transaction or batch");
}

/**
 * Reads the text of a Bundle of requests, letting others in where it yields. Fails as parseResource
 * does, for the Bundle but for the resources in it, and as "resource-invalid" when it is no
 * transaction or batch, or too long, or an entry of a transaction cannot be done.
 */
export function* readBundle(
  text: string,
  deps: TransactionDeps,
): Generator<undefined, Result<BundleRequest>> {
  const cut = yield* cutBundle(text);
  if (!cut.ok) return cut;
  const kind = kindOf(cut.value.header, cut.value.entries.length);
  if (!kind.ok) return kind;
  const sent = cut.value.entries;
  if (sent.length > limits.bundleEntries)
    return invalid("Bundle.entry", `may be given at most ${limits.bundleEntries} times`);
  const entries: Result<Entry>[] = [];
  const urls = new Set<string>();
  for (let from = 0; from < sent.length; from += entriesATime) {
    const parts: Parts[] = [];
    for (const each of sent.slice(from, from + entriesATime)) {
      const taken = partsOf(each, urls);
      if (!taken.ok) return failed(placedAt(from + parts.length, taken.problem));
      parts.push(taken.value);
    }
    yield;
    const rests = parts.map(({ rest }) => rest);
    const envelopes = envelopesOf(rests, kind.value, from);
    if (!envelopes.ok) return envelopes;
    for (const [at, { resource }] of parts.entries()) {
      const index = from + at;
      const entry = readEntry(envelopes.value[at], { resource, index }, deps);
      if (!entry.ok && kind.value === "transaction") return failed(placedAt(index, entry.problem));
      entries.push(entry.ok ? entry : failed(placedAt(index, entry.problem)));
    }
    yield;
  }
  return ok({ kind: kind.value, entries });
}
