import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import { replaceStrings } from "#records/fhir/json-text.ts";
import { isObject } from "#records/fhir/json-value.ts";

/** A literal reference to a resource on this server: `Type/id`, a version left aside. */
export interface LiteralReference {
  readonly type: ResourceType;
  readonly id: ResourceId;
}

const literal =
  /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** Null for anything but `Type/id`: absolute, `urn:`, `#contained` and conditional references. */
export function parseReference(text: string): LiteralReference | null {
  const [, typeName, idText] = literal.exec(text) ?? [];
  const type = typeName === undefined ? null : parseResourceType(typeName);
  const id = idText === undefined ? null : parseResourceId(idText);
  return type === null || id === null ? null : { type, id };
}

/** Every `reference` text of a resource, from Reference elements at any depth. */
export function* referenceTexts(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    for (const item of items) yield* referenceTexts(item);
    return;
  }
  if (!isObject(value)) return;
  for (const key in value) {
    const inner = value[key];
    if (key === "reference" && typeof inner === "string") yield inner;
    else if (typeof inner === "object") yield* referenceTexts(inner);
  }
}

/** The literal references that a resource makes, each once. */
export function outgoingReferences(value: unknown): readonly LiteralReference[] {
  const found = new Map<string, LiteralReference>();
  for (const text of referenceTexts(value)) {
    const reference = parseReference(text);
    if (reference !== null) found.set(`${reference.type}/${reference.id}`, reference);
  }
  return [...found.values()];
}

// Reference.reference, and the elements of type url or uri that point to a resource, such as
// Attachment.url. Identifier.value may look like one of them and is none.
const referenceKeys: ReadonlySet<string> = new Set(["reference", "url", "valueUri", "valueUrl"]);
const referenceOnly: ReadonlySet<string> = new Set(["reference"]);

/**
 * The resource's text with its references changed: `change` is asked of each and gives the new text,
 * or null to leave it; every other character stays. The caller must have scanned the text as JSON.
 */
export function rewriteReferences(
  text: string,
  change: (reference: string) => string | null,
): string {
  return replaceStrings(text, referenceOnly, change);
}

/** As rewriteReferences, and the links of type url and uri as well (R4 §3.1.0.11.2). */
export function rewriteLinks(text: string, change: (link: string) => string | null): string {
  return replaceStrings(text, referenceKeys, change);
}
