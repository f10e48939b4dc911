import { isUtf8 } from "node:buffer";
import { parseResourceId } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { failed, ok, unreachable, type Result } from "#core/result.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { parseFhirPathPatch } from "#records/fhir/patch/fhirpath-patch.ts";
import { parseJsonPatch } from "#records/fhir/patch/json-patch.ts";
import type { Patch } from "#records/fhir/patch/patch.ts";
import {
  literalLinks,
  noIdentities,
  type FoundReferences,
  type Identities,
} from "#records/fhir/transaction-links.ts";
import { placedAt, type BundleRequest, type Entry } from "#records/fhir/transaction-read.ts";
import {
  invalid,
  type Action,
  type FoundMatch,
  type Target,
} from "#records/fhir/transaction-target.ts";

export type { Action, FoundMatch, TransactionDeps } from "#records/fhir/transaction-target.ts";
export { readBundle, type BundleRequest } from "#records/fhir/transaction-read.ts";

/** An action and the entry, from 0, that asked for it. */
export interface PlannedAction {
  readonly entry: number;
  readonly action: Result<Action>;
}

export interface TransactionPlan {
  readonly kind: BundleRequest["kind"];
  /** In the order of processing: DELETE, POST, PUT and PATCH, GET. All are sound if it is a transaction. */
  readonly actions: readonly PlannedAction[];
}

/** What the conditions of the entries were found to mean. */
export interface Resolved {
  /** By the entry, from 0, whose request has a condition: null when nothing meets it. */
  readonly targets: ReadonlyMap<number, Result<FoundMatch | null>>;
  /** By the entry: what its conditional references mean. */
  readonly references: ReadonlyMap<number, Result<FoundReferences>>;
}

export const nothingResolved: Resolved = { targets: new Map(), references: new Map() };

type Order = 0 | 1 | 2 | 3;

function orderOf({ method }: Target): Order {
  switch (method) {
    case "DELETE":
      return 0;
    case "POST":
      return 1;
    case "PUT":
    case "PATCH":
      return 2;
    case "GET":
      return 3;
    default:
      return unreachable(method);
  }
}

/** The id that an update by condition brings along, for where nothing meets it. */
function ownId({ target, text }: Entry): string | null {
  if (target.method !== "PUT" || text === null) return null;
  const value: unknown = JSON.parse(text);
  return isObject(value) && typeof value.id === "string" ? parseResourceId(value.id) : null;
}

/** `Type/id` of what an entry writes or would have written; null when that is nothing. */
export function nameOf(entry: Entry, resolved: Resolved): string | null {
  const { target, index } = entry;
  if (target.method === "GET") return null;
  if (target.condition === null) return `${target.type}/${target.id}`;
  const found = resolved.targets.get(index);
  if (found?.ok !== true) return null;
  if (found.value !== null) return `${target.type}/${found.value.id}`;
  if (target.method === "POST") return `${target.type}/${target.id}`;
  return target.method === "PUT" ? `${target.type}/${ownId(entry) ?? target.id}` : null;
}

function* identitiesOf(
  entries: readonly Entry[],
  resolved: Resolved,
): Generator<undefined, Result<Identities>> {
  const identities = new Map<string, string>();
  const written = new Set<string>();
  for (const entry of entries) {
    const { index, fullUrl, target } = entry;
    yield;
    const name = nameOf(entry, resolved);
    if (name === null) continue;
    const at = `Bundle.entry[${index}]`;
    // What If-None-Exist found is not touched, so that several may name it.
    const isFound = target.method === "POST" && name !== `${target.type}/${target.id}`;
    // R4 §3.1.0.11.2: a resource may be touched once in a transaction.
    if (written.has(name) && !isFound)
      return invalid(at, "touches a resource that another entry touches too");
    written.add(name);
    if (fullUrl !== null) identities.set(fullUrl, name);
  }
  return ok(identities);
}

/** By what the entries of a Bundle are planned. */
interface Context {
  readonly identities: Identities;
  readonly resolved: Resolved;
  readonly publicOrigin: string;
  readonly conformance: Conformance;
}

/** The text of an entry's resource, its links made literal. */
function linkedText(entry: Entry, { identities, resolved, publicOrigin }: Context): Result<string> {
  const { text, index } = entry;
  if (text === null) return invalid("resource", "is required");
  const found = resolved.references.get(index) ?? ok(noIdentities);
  if (!found.ok) return found;
  const links = literalLinks(entry, text, { identities, references: found.value, publicOrigin });
  if (links.dangling)
    return refuse("reference-missing", {
      at: "resource",
      detail: "refers to a urn:uuid that is the fullUrl of no entry",
    });
  return links.conditional.length === 0
    ? ok(links.text)
    : refuse("reference-missing", {
        at: "resource",
        detail: "a conditional reference finds nothing",
      });
}

/** A FHIRPath Patch as Parameters, or a JSON Patch in a Binary (R4 §3.1.0.11.3). */
function patchOf(text: string): Result<Patch> {
  const parsed = parseResource(text, {});
  if (!parsed.ok) return parsed;
  const { value } = parsed.value;
  if (value.resourceType === "Parameters") return parseFhirPathPatch(text);
  if (value.resourceType !== "Binary" || value.contentType !== "application/json-patch+json")
    return refuse("patch-refused", {
      at: "resource",
      detail: "must be Parameters or a Binary of JSON Patch",
    });
  const bytes = Buffer.from(value.data ?? "", "base64");
  return isUtf8(bytes)
    ? parseJsonPatch(bytes.toString("utf8"))
    : refuse("json-broken", { at: "resource" });
}

interface Writing {
  readonly target: Exclude<Target, { method: "GET" }>;
  /** Null when the request has no condition, or nothing meets it. */
  readonly match: FoundMatch | null;
}

/** The version that must be current: the one that is named, or the one that the condition found. */
function versionOf({ target, match }: Writing): { ifVersion: number | null; ownVersion: boolean } {
  const named = target.method === "POST" ? null : target.ifVersion;
  if (named !== null || target.condition === null) return { ifVersion: named, ownVersion: false };
  return { ifVersion: match?.version ?? 0, ownVersion: true };
}

function putAction(entry: Entry, writing: Writing, context: Context): Result<Action> {
  const { target, match } = writing;
  const { type } = target;
  const text = linkedText(entry, context);
  if (!text.ok) return text;
  const isNamed = target.method === "PUT" && target.condition === null;
  const expected = isNamed ? { type, id: target.id } : { type };
  const parsed = parseResource(text.value, { ...expected, conformance: context.conformance });
  if (!parsed.ok) return parsed;
  const own = target.method === "PUT" ? parsed.value.id : null;
  if (match !== null && own !== null && own !== match.id)
    return refuse("resource-id-mismatch", { at: `${type}.id` });
  const id = match?.id ?? own ?? target.id;
  const method = target.method === "POST" ? "POST" : "PUT";
  return ok({ method, type, id, parsed: parsed.value, ...versionOf(writing) });
}

function writeAction(entry: Entry, writing: Writing, context: Context): Result<Action> {
  const { target, match } = writing;
  const { type, method } = target;
  const isMissing = target.condition !== null && match === null;
  const id = match?.id ?? target.id;
  switch (method) {
    case "POST":
      return match === null
        ? putAction(entry, writing, context)
        : ok({ method: "FOUND", type, match });
    case "PUT":
      return putAction(entry, writing, context);
    case "PATCH": {
      if (isMissing) return failed(problem("not-found"));
      const text = linkedText(entry, context);
      const patch = text.ok ? patchOf(text.value) : text;
      return patch.ok ? ok({ method, type, id, patch: patch.value, ...versionOf(writing) }) : patch;
    }
    case "DELETE":
      return ok(
        isMissing ? { method: "NOTHING", type } : { method, type, id, ...versionOf(writing) },
      );
    default:
      return unreachable(method);
  }
}

function toAction(entry: Entry, context: Context): Result<Action> {
  const { target, index } = entry;
  if (target.method === "GET") return ok(target);
  if (target.condition === null) return writeAction(entry, { target, match: null }, context);
  const found = context.resolved.targets.get(index);
  if (found === undefined) return refuse("parameter-invalid", { at: "request.url" });
  return found.ok ? writeAction(entry, { target, match: found.value }, context) : found;
}

type Ordered = PlannedAction & { readonly order: Order };

function inOrder(kind: BundleRequest["kind"], actions: Ordered[]): TransactionPlan {
  actions.sort((a, b) => a.order - b.order);
  return { kind, actions: actions.map(({ entry, action }) => ({ entry, action })) };
}

function soundOf(entries: readonly Result<Entry>[]): Result<readonly Entry[]> {
  const sound: Entry[] = [];
  for (const entry of entries) {
    if (!entry.ok) return entry;
    sound.push(entry.value);
  }
  return ok(sound);
}

function* planWhole(
  sent: readonly Result<Entry>[],
  context: Omit<Context, "identities">,
): Generator<undefined, Result<TransactionPlan>> {
  const entries = soundOf(sent);
  if (!entries.ok) return entries;
  const identities = yield* identitiesOf(entries.value, context.resolved);
  if (!identities.ok) return identities;
  const actions: Ordered[] = [];
  for (const entry of entries.value) {
    yield;
    const action = toAction(entry, { ...context, identities: identities.value });
    if (!action.ok) return failed(placedAt(entry.index, action.problem));
    actions.push({ entry: entry.index, action, order: orderOf(entry.target) });
  }
  return ok(inOrder("transaction", actions));
}

function* planEach(
  sent: readonly Result<Entry>[],
  context: Omit<Context, "identities">,
): Generator<undefined, TransactionPlan> {
  const actions: Ordered[] = [];
  for (const [index, entry] of sent.entries()) {
    yield;
    const action = entry.ok
      ? toAction(entry.value, { ...context, identities: noIdentities })
      : entry;
    const found: Problem | null = !action.ok && entry.ok ? placedAt(index, action.problem) : null;
    actions.push({
      entry: index,
      action: found === null ? action : failed(found),
      order: entry.ok ? orderOf(entry.value.target) : 0,
    });
  }
  return inOrder("batch", actions);
}

/**
 * Plans what readBundle has read, by R4 §3.1.0.11: links between entries made literal, resources
 * and patches read, actions in the order of processing. `resolved` must hold all that the
 * conditions of the entries mean. Lets others in where it yields. Fails, naming the entry in `at`,
 * when one entry of a transaction cannot be done; in a batch such an entry fails alone.
 */
export function* planTransaction(
  { kind, entries }: BundleRequest,
  context: Omit<Context, "identities">,
): Generator<undefined, Result<TransactionPlan>> {
  if (kind === "batch") return ok(yield* planEach(entries, context));
  return yield* planWhole(entries, context);
}
