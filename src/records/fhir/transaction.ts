import type { Bundle, BundleEntry } from "@medplum/fhirtypes";
import { limits } from "#core/limits.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { entryTexts, resourceText } from "#records/fhir/bundle-entries.ts";
import { r4Alone } from "#records/fhir/conformance.ts";
import { parseResource, type ParsedResource } from "#records/fhir/parse.ts";
import { parseReference, rewriteLinks } from "#records/fhir/references.ts";
import {
  invalid,
  isWrite,
  notSupported,
  parseTarget,
  withoutBase,
  type Action,
  type Target,
  type TransactionDeps,
} from "#records/fhir/transaction-target.ts";

export type { Action, TransactionDeps } from "#records/fhir/transaction-target.ts";

/** An action and the entry, from 0, that asked for it. */
export interface PlannedAction {
  readonly entry: number;
  readonly action: Result<Action>;
}

export interface TransactionPlan {
  /** A transaction is done as a whole or not at all; in a batch each entry stands alone. */
  readonly kind: "transaction" | "batch";
  /** In the order of processing: DELETE, POST, PUT, GET. All are sound if it is a transaction. */
  readonly actions: readonly PlannedAction[];
}

const order = { DELETE: 0, POST: 1, PUT: 2, GET: 3 } as const;

/** An entry as it was sent, with what was found in its request. */
interface Entry {
  readonly index: number;
  readonly fullUrl: string | null;
  readonly text: string | null;
  readonly target: Target;
}

function parseEntry(
  entry: BundleEntry,
  place: { readonly index: number; readonly text: string | null },
  deps: TransactionDeps,
): Result<Entry> {
  if (entry.request === undefined) return invalid("request", "is required");
  const target = parseTarget(entry.request, deps);
  if (!target.ok) return target;
  const writes = isWrite(target.value);
  if (writes !== (place.text !== null))
    return invalid("resource", writes ? "is required" : "must not be given");
  return ok({ ...place, fullUrl: entry.fullUrl ?? null, target: target.value });
}

function placedAt(index: number, found: Problem): Problem {
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

/** By fullUrl, the `Type/id` that an entry's resource will have. */
type Identities = ReadonlyMap<string, string>;

function identitiesOf(entries: readonly Entry[]): Result<Identities> {
  const identities = new Map<string, string>();
  const written = new Set<string>();
  for (const { index, fullUrl, target } of entries) {
    if (target.method === "GET") continue;
    const name = `${target.type}/${target.id}`;
    const at = `Bundle.entry[${index}]`;
    // R4 §3.1.0.11.2: a resource may be touched once in a transaction.
    if (written.has(name)) return invalid(at, "touches a resource that another entry touches too");
    written.add(name);
    if (fullUrl === null) continue;
    if (identities.has(fullUrl)) return invalid(`${at}.fullUrl`, "is that of another entry too");
    identities.set(fullUrl, name);
  }
  return ok(identities);
}

/** `https://elsewhere/fhir/` of `https://elsewhere/fhir/Patient/1`; null when it is not of that form. */
function baseOf(fullUrl: string | null): string | null {
  return /^(https?:\/\/.+\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.exec(fullUrl ?? "")?.[1] ?? null;
}

interface Links {
  readonly text: string;
  /** True when a link names something that only this bundle could hold, and it does not. */
  readonly dangling: boolean;
  readonly conditional: boolean;
}

function literalLinks(entry: Entry, text: string, identities: Identities, own: string): Links {
  const entryBase = baseOf(entry.fullUrl);
  let dangling = false;
  let conditional = false;
  const changed = rewriteLinks(text, (link) => {
    const known = identities.get(link);
    if (known !== undefined) return known;
    if (entryBase !== null && parseReference(link) !== null)
      return identities.get(entryBase + link) ?? null;
    return withoutBase(link, own);
  });
  rewriteLinks(changed, (link) => {
    dangling ||= link.startsWith("urn:uuid:");
    conditional ||= /^[A-Z][A-Za-z]+\?/.test(link);
    return null;
  });
  return { text: changed, dangling, conditional };
}

function toAction(entry: Entry, identities: Identities, deps: TransactionDeps): Result<Action> {
  const { target, text } = entry;
  if (!isWrite(target)) return ok(target);
  if (text === null) return invalid("resource", "is required");
  const links = literalLinks(entry, text, identities, deps.publicOrigin);
  if (links.conditional) return notSupported("resource", "a conditional reference");
  if (links.dangling)
    return refuse("reference-missing", {
      at: "resource",
      detail: "refers to a urn:uuid that is the fullUrl of no entry",
    });
  const expected =
    target.method === "PUT" ? { type: target.type, id: target.id } : { type: target.type };
  const { conformance = r4Alone } = deps;
  const parsed = parseResource(links.text, { ...expected, conformance });
  if (!parsed.ok) return parsed;
  return ok({ ...target, parsed: parsed.value });
}

const methodOf = (planned: { readonly entry: Entry }): number => order[planned.entry.target.method];

function planWhole(entries: readonly Entry[], deps: TransactionDeps): Result<TransactionPlan> {
  const identities = identitiesOf(entries);
  if (!identities.ok) return identities;
  const actions: (PlannedAction & { readonly order: number })[] = [];
  for (const entry of entries) {
    const action = toAction(entry, identities.value, deps);
    if (!action.ok) return failed(placedAt(entry.index, action.problem));
    actions.push({ entry: entry.index, action, order: methodOf({ entry }) });
  }
  actions.sort((a, b) => a.order - b.order);
  return ok({
    kind: "transaction",
    actions: actions.map(({ entry, action }) => ({ entry, action })),
  });
}

const noIdentities: Identities = new Map();

function planEach(entries: readonly Result<Entry>[], deps: TransactionDeps): TransactionPlan {
  const actions = entries.map((entry, index): PlannedAction & { readonly order: number } => {
    const action = entry.ok ? toAction(entry.value, noIdentities, deps) : entry;
    return {
      entry: index,
      action: action.ok ? action : failed(placedAt(index, action.problem)),
      order: entry.ok ? methodOf({ entry: entry.value }) : 0,
    };
  });
  actions.sort((a, b) => a.order - b.order);
  return { kind: "batch", actions: actions.map(({ entry, action }) => ({ entry, action })) };
}

/**
 * Plans a Bundle of type transaction or batch by R4 §3.1.0.11: ids for what is created, links
 * between entries made literal, actions in the order of processing. The bundle must have been parsed.
 * Fails, naming the entry in `at`, when one entry of a transaction cannot be done; in a batch such
 * an entry fails alone. Conditional interactions, PATCH and HEAD are refused.
 */
export function planTransaction(
  parsed: ParsedResource,
  deps: TransactionDeps,
): Result<TransactionPlan> {
  const { value } = parsed;
  if (value.resourceType !== "Bundle")
    return refuse("resource-type-mismatch", { at: "resourceType" });
  if (value.type !== "transaction" && value.type !== "batch")
    return invalid("Bundle.type", "must be transaction or batch");
  const sent = value.entry ?? [];
  if (sent.length > limits.bundleEntries)
    return invalid("Bundle.entry", `may be given at most ${limits.bundleEntries} times`);
  const entries = readEntries(value, parsed, deps);
  if (value.type === "batch") return ok(planEach(entries, deps));
  const sound: Entry[] = [];
  for (const [index, entry] of entries.entries()) {
    if (!entry.ok) return failed(placedAt(index, entry.problem));
    sound.push(entry.value);
  }
  return planWhole(sound, deps);
}

function readEntries(
  bundle: Bundle,
  parsed: ParsedResource,
  deps: TransactionDeps,
): readonly Result<Entry>[] {
  const texts = entryTexts(parsed).map(resourceText);
  return (bundle.entry ?? []).map((entry, index) =>
    parseEntry(entry, { index, text: texts[index] ?? null }, deps),
  );
}
