import { parseReference, rewriteLinks } from "#records/fhir/references.ts";
import type { Entry } from "#records/fhir/transaction-read.ts";
import { withoutBase } from "#records/fhir/transaction-target.ts";

/** By fullUrl, the `Type/id` that an entry's resource has or will have. */
export type Identities = ReadonlyMap<string, string>;

/** By `Type?query`, the `Type/id` that a conditional reference was found to mean. */
export type FoundReferences = ReadonlyMap<string, string>;

export const noIdentities: Identities = new Map();

/** `https://elsewhere/fhir/` of `https://elsewhere/fhir/Patient/1`; null when it is not of that form. */
function baseOf(fullUrl: string | null): string | null {
  return /^(https?:\/\/.+\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.exec(fullUrl ?? "")?.[1] ?? null;
}

const conditional = /^[A-Z][A-Za-z]+\?/;

export interface Links {
  readonly text: string;
  /** True when a link names something that only this bundle could hold, and it does not. */
  readonly dangling: boolean;
  /** The conditional references that were not found; each once. */
  readonly conditional: readonly string[];
}

export interface LinkContext {
  readonly identities: Identities;
  readonly references: FoundReferences;
  readonly publicOrigin: string;
}

/** The entry's text with what its links mean put in their place (R4 §3.1.0.11.2). */
export function literalLinks(entry: Entry, text: string, context: LinkContext): Links {
  const { identities, references, publicOrigin } = context;
  const entryBase = baseOf(entry.fullUrl);
  const unfound = new Set<string>();
  let dangling = false;
  const literal = (link: string): string | null => {
    const known = identities.get(link) ?? references.get(link);
    if (known !== undefined) return known;
    if (entryBase !== null && parseReference(link) !== null)
      return identities.get(entryBase + link) ?? null;
    return withoutBase(link, publicOrigin);
  };
  const changed = rewriteLinks(text, (link) => {
    const found = literal(link);
    const now = found ?? link;
    dangling ||= now.startsWith("urn:uuid:");
    if (conditional.test(now)) unfound.add(now);
    return found;
  });
  return { text: changed, dangling, conditional: [...unfound] };
}
