import { importLimits } from "#cli/import/limits.ts";
import type { Entry } from "#cli/import/entry.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { rewriteLinks } from "#records/fhir/references.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** fullUrl → `Type/id` within one Bundle. */
export interface BundleLinks {
  /** False when the Bundle has more entries than may refer to each other. */
  add(entry: Entry): boolean;
  find(link: string): string | null;
}

export function createBundleLinks(): BundleLinks {
  // Where the id is the fullUrl's own, as is usual, only the type is kept: hundreds of thousands
  // must fit into memory.
  const types = new Map<string, string>();
  const others = new Map<string, string>();
  const names = new Map<string, string>();
  return {
    add: ({ fullUrl, type, id }) => {
      if (fullUrl === null) return true;
      if (types.size + others.size >= importLimits.bundleEntries) return false;
      const name = names.get(type) ?? type;
      names.set(name, name);
      if (fullUrl === `urn:uuid:${id}`) types.set(id, name);
      else others.set(fullUrl, `${name}/${id}`);
      return true;
    },
    find: (link) => {
      const id = link.startsWith("urn:uuid:") ? link.slice("urn:uuid:".length) : null;
      const type = id === null ? undefined : types.get(id);
      return type === undefined ? (others.get(link) ?? null) : `${type}/${id}`;
    },
  };
}

/** What the Bundles of providers brought, for all files that come after them. */
export interface ProviderDirectory {
  /** Keeps the entry's fullUrl and identifiers, if others refer to its type by them. */
  add(entry: Entry, fromProviders: boolean): void;
  /** Whether a Bundle of providers in this very import brought this resource. */
  brought(entry: Entry): boolean;
  /** For a fullUrl, or a conditional reference `Type?identifier=system|value`; null if none or several. */
  find(link: string): string | null;
}

/** Types to which conditional references point, and which belong to no patient. */
const sharedTypes: ReadonlySet<string> = new Set([
  "Organization",
  "Practitioner",
  "PractitionerRole",
  "Location",
  "HealthcareService",
  "Medication",
  "Device",
]);

const ambiguous = "";

export function createProviderDirectory(): ProviderDirectory {
  const byLink = new Map<string, string>();
  const known = new Set<string>();
  const note = (link: string, target: string): void => {
    const before = byLink.get(link);
    if (before === undefined && byLink.size >= importLimits.identifiers) return;
    byLink.set(link, before === undefined || before === target ? target : ambiguous);
  };
  return {
    add: (entry, fromProviders) => {
      if (!sharedTypes.has(entry.type)) return;
      const target = `${entry.type}/${entry.id}`;
      for (const identifier of identifiersOf(entry))
        note(`${entry.type}?identifier=${identifier}`, target);
      if (!fromProviders) return;
      known.add(target);
      if (entry.fullUrl !== null) note(entry.fullUrl, target);
    },
    brought: ({ type, id }) => known.has(`${type}/${id}`),
    find: (link) => {
      const found = byLink.get(link) ?? byLink.get(decoded(link));
      return found === undefined || found === ambiguous ? null : found;
    },
  };
}

function identifiersOf({ text }: Entry): readonly string[] {
  const value: unknown = JSON.parse(text);
  const list: unknown = isObject(value) ? value.identifier : null;
  if (!Array.isArray(list)) return [];
  const identifiers: readonly unknown[] = list;
  return identifiers.flatMap((identifier) => {
    if (!isObject(identifier)) return [];
    const { system, value: own } = identifier;
    return typeof system === "string" && typeof own === "string" ? [`${system}|${own}`] : [];
  });
}

/** A conditional reference is a query, so its parts may be percent-encoded. */
function decoded(link: string): string {
  if (!link.includes("%")) return link;
  try {
    return decodeURIComponent(link);
  } catch {
    return link;
  }
}

const conditional = /^[A-Z][A-Za-z]{1,63}\?/;

/**
 * The entry with its links to other entries turned into `Type/id`. Fails with reference-missing,
 * naming the link, when one points into the Bundle or asks for an identifier that nobody has.
 */
export function linked(
  entry: Entry,
  bundle: BundleLinks | null,
  providers: ProviderDirectory,
): Result<Entry> {
  let lost: string | null = null;
  const text = rewriteLinks(entry.text, (link) => {
    const found = bundle?.find(link) ?? providers.find(link);
    if (found === null && (link.startsWith("urn:uuid:") || conditional.test(link))) lost ??= link;
    return found;
  });
  if (lost === null) return ok({ ...entry, text });
  return refuse("reference-missing", {
    detail: `Nothing in this import answers to ${shown(lost)}`,
  });
}

/** The value of an identifier may be a patient's, so only its kind is shown. */
function shown(link: string): string {
  return link.includes("|") ? `${link.slice(0, link.indexOf("|"))}|…` : link;
}
