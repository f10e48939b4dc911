import type { CodeSystemConcept, ValueSetComposeInclude } from "@medplum/fhirtypes";
import { codeSystem, valueSet } from "#records/fhir/definitions.ts";

/** A value set larger than this is a terminology of its own, not a list of states. */
const maxCodes = 2_000;

function* conceptCodes(concepts: readonly CodeSystemConcept[]): Generator<string> {
  for (const concept of concepts) {
    if (concept.code !== undefined) yield concept.code;
    yield* conceptCodes(concept.concept ?? []);
  }
}

/** The codes that one part of a value set includes; null when the package cannot tell them all. */
function included(part: ValueSetComposeInclude): readonly string[] | null {
  if (part.system === undefined || part.filter !== undefined || part.valueSet !== undefined)
    return null;
  if (part.concept !== undefined)
    return part.concept.flatMap(({ code }) => (code === undefined ? [] : [code]));
  const system = codeSystem(part.system);
  if (system === null || system.content !== "complete") return null;
  return [...conceptCodes(system.concept ?? [])];
}

function expand(url: string): ReadonlySet<string> | null {
  const found = valueSet(url);
  const parts = found?.compose?.include ?? [];
  if (parts.length === 0 || found?.compose?.exclude !== undefined) return null;
  const codes = new Set<string>();
  for (const part of parts) {
    const those = included(part);
    if (those === null || codes.size + those.length > maxCodes) return null;
    for (const code of those) codes.add(code).add(`${part.system}|${code}`);
  }
  return codes;
}

// Value sets are constants of the standard: what was expanded once holds for the process.
const expanded = new Map<string, ReadonlySet<string> | null>();

/**
 * The codes of a value set of R4, each as `code` and as `system|code`. Null when they cannot be
 * listed from the definitions alone (UCUM, BCP 47, media types, SNOMED CT): such a binding is not checked.
 */
export function codesOf(canonical: string): ReadonlySet<string> | null {
  const known = expanded.get(canonical);
  if (known !== undefined) return known;
  const codes = expand(canonical.replace(/\|.*$/, ""));
  expanded.set(canonical, codes);
  return codes;
}
