import type { Resource } from "@medplum/fhirtypes";
import { parseResourceType, type ResourceType } from "#core/ids.ts";
import type { Conformance } from "#records/fhir/conformance.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import { outgoingReferences, parseReference } from "#records/fhir/references.ts";
import type { LiteralReference } from "#records/fhir/references.ts";
import type { ReferenceReader } from "#records/fhir/search-plan.ts";
import { searchParameters, type SearchParameterRule } from "#records/fhir/search-parameters.ts";

/** A reference parameter of a type, found by name. */
export interface Link {
  readonly source: ResourceType;
  readonly rule: SearchParameterRule;
}

/** The reference parameter of this code; null when the type has none. */
export function linkOf(source: string, code: string, conformance: Conformance): Link | null {
  const type = parseResourceType(source);
  const rule = searchParameters(source, conformance).get(code);
  return type === null || rule?.kind !== "reference" ? null : { source: type, rule };
}

/** All reference parameters of a type. */
export function linksOf(source: ResourceType, conformance: Conformance): readonly Link[] {
  return [...searchParameters(source, conformance).values()].flatMap((rule) =>
    rule.kind === "reference" ? [{ source, rule }] : [],
  );
}

function referenceOf(value: unknown): LiteralReference | null {
  const text = isObject(value) ? value.reference : value;
  return typeof text === "string" ? parseReference(text) : null;
}

function eachOnce(
  references: readonly LiteralReference[],
  target: ResourceType | null,
): readonly LiteralReference[] {
  const found = new Map<string, LiteralReference>();
  for (const reference of references)
    if (target === null || reference.type === target)
      found.set(`${reference.type}/${reference.id}`, reference);
  return [...found.values()];
}

const literals = (links: readonly Link[], value: JsonObject): readonly LiteralReference[] =>
  links.flatMap(({ rule }) => rule.read(value)).flatMap((each) => referenceOf(each) ?? []);

/** Reads what these parameters of one type refer to; nothing of a resource of another type. */
export function referencesThrough(
  links: readonly Link[],
  target: ResourceType | null,
): ReferenceReader {
  return (value: Resource) => {
    if (!isObject(value)) return [];
    const own = links.filter(({ source }) => source === value.resourceType);
    return own.length === 0 ? [] : eachOnce(literals(own, value), target);
  };
}

/** Reads all that a resource of any type refers to, wherever in it. */
export function anyReferences(target: ResourceType | null): ReferenceReader {
  return (value: Resource) => eachOnce(outgoingReferences(value), target);
}
