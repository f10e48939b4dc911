import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { typeSchema, type ElementSchema } from "#records/fhir/schema.ts";

/** One value of an element, in its place. */
export interface Item {
  readonly value: unknown;
  /** `_name` beside a primitive: its id and extensions. */
  readonly shadow: unknown;
  /** Its type in R4; of a resource, the resourceType. */
  readonly type: string;
  readonly step: string;
  /** Null where the element does not repeat. */
  readonly index: number | null;
  readonly element: ElementSchema | null;
}

/** The object whose elements an item has: itself, or what stands beside a primitive. */
export function objectOf({ value, shadow }: Pick<Item, "value" | "shadow">): JsonObject | null {
  if (isObject(value)) return value;
  return isObject(shadow) ? shadow : null;
}

function typeOf(value: unknown, element: ElementSchema): string {
  if (element.kind !== "resource" || !isObject(value)) return element.type;
  return typeof value.resourceType === "string" ? value.resourceType : element.type;
}

function* itemsUnder(object: JsonObject, key: string, element: ElementSchema): Generator<Item> {
  const value = object[key];
  const shadow = object[`_${key}`];
  const { step } = element;
  if (!element.many) {
    if (value !== undefined || shadow !== undefined)
      yield { value, shadow, type: typeOf(value, element), step, index: null, element };
    return;
  }
  const shadows = listOf(shadow);
  const values = listOf(value);
  for (let index = 0; index < Math.max(values.length, shadows.length); index += 1) {
    const each = values[index];
    yield {
      value: each,
      shadow: shadows[index],
      type: typeOf(each, element),
      step,
      index,
      element,
    };
  }
}

/** The values of the element `step` of an object of this type; any member of a choice. */
export function itemsOf(object: JsonObject, type: string, step: string): readonly Item[] {
  const schema = typeSchema(type);
  if (schema === null) return [];
  const plain = schema.elements.get(step);
  if (plain !== undefined) return [...itemsUnder(object, step, plain)];
  const found: Item[] = [];
  for (const key in object) {
    if (!key.startsWith(step) && !key.startsWith(`_${step}`)) continue;
    const name = key.startsWith("_") ? key.slice(1) : key;
    const element = schema.elements.get(name);
    if (element?.step !== step || (key !== name && name in object)) continue;
    found.push(...itemsUnder(object, name, element));
  }
  return found;
}

/** Every item that stands in an object, whatever its element. */
export function* allItems(object: JsonObject, type: string): Generator<Item> {
  const schema = typeSchema(type);
  if (schema === null) return;
  for (const key in object) {
    const name = key.startsWith("_") ? key.slice(1) : key;
    if (key !== name && name in object) continue;
    const element = schema.elements.get(name);
    if (element !== undefined) yield* itemsUnder(object, name, element);
  }
}
