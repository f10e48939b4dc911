import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
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
