import { isExactObject, type Exact, type ExactObject } from "#records/fhir/patch/exact-json.ts";
import { typeSchema, type ElementSchema } from "#records/fhir/schema.ts";

/** A key of an object: of a list, or of a single element. */
export interface Slot {
  readonly holder: ExactObject;
  readonly key: string;
}

/** Where an element stands. */
export interface Place extends Slot {
  /** In its list; null where it is single. */
  readonly index: number | null;
  /** The elements that may stand there: several for a choice of types. */
  readonly elements: readonly ElementSchema[];
}

/** An element of a resource that is being changed. */
export interface Found {
  readonly value: Exact;
  /** The name of its type's schema. */
  readonly type: string;
  /** Null for the resource itself. */
  readonly place: Place | null;
}

/** What is put into a place: a value and, of a primitive, its id and extensions. */
export interface Put {
  readonly value: Exact | null;
  readonly shadow: Exact | null;
}

const typeOf = (element: ElementSchema, value: Exact | undefined): string =>
  element.kind === "resource" && isExactObject(value) && typeof value.resourceType === "string"
    ? value.resourceType
    : element.type;

/** The keys that an element of this name may have; several for a choice of types. */
export function elementsNamed(type: string, name: string): readonly ElementSchema[] {
  const schema = typeSchema(type);
  return schema === null ? [] : [...schema.elements.values()].filter(({ step }) => step === name);
}

/** The elements of this name, in order; a primitive that has only extensions counts, too. */
export function childrenOf({ value, type }: Found, name: string): readonly Found[] {
  if (!isExactObject(value)) return [];
  const elements = elementsNamed(type, name);
  return elements.flatMap((element): readonly Found[] => {
    const { key } = element;
    const place = { holder: value, key, elements };
    const held = value[key];
    const shadow = value[`_${key}`];
    if (held === undefined && shadow === undefined) return [];
    if (!Array.isArray(held) && !Array.isArray(shadow))
      return [
        { value: held ?? null, type: typeOf(element, held), place: { ...place, index: null } },
      ];
    const items = Array.isArray(held) ? held : [];
    const count = Math.max(items.length, Array.isArray(shadow) ? shadow.length : 0);
    return Array.from({ length: count }, (_, index) => ({
      value: items[index] ?? null,
      type: typeOf(element, items[index]),
      place: { ...place, index },
    }));
  });
}

function tidy(holder: ExactObject, key: string): void {
  const list = holder[key];
  // R4 §2.6.2: an array is left out rather than empty, and null only stands in for what is beside it.
  if (Array.isArray(list) && list.every((item) => item === null)) delete holder[key];
}

/** The list under this key, made when it is not there, as long as the one beside it. */
function listAt(holder: ExactObject, key: string, length: number): Exact[] {
  const held = holder[key];
  const list = Array.isArray(held) ? held : [];
  while (list.length < length) list.push(null);
  holder[key] = list;
  return list;
}

const countAt = ({ holder, key }: Slot): number => {
  const [held, shadow] = [holder[key], holder[`_${key}`]];
  return Math.max(Array.isArray(held) ? held.length : 0, Array.isArray(shadow) ? shadow.length : 0);
};

function splice(
  place: Slot,
  index: number,
  change: { readonly remove: number; readonly insert: readonly Put[] },
): void {
  const { holder, key } = place;
  const length = countAt(place);
  const shadowKey = `_${key}`;
  const { remove, insert } = change;
  listAt(holder, key, length).splice(index, remove, ...insert.map(({ value }) => value));
  if (shadowKey in holder || insert.some(({ shadow }) => shadow !== null))
    listAt(holder, shadowKey, length).splice(index, remove, ...insert.map(({ shadow }) => shadow));
  tidy(holder, key);
  tidy(holder, shadowKey);
}

/** Puts something into a list so that it stands at `index`; false when the list is not that long. */
export function insertAt(place: Slot, index: number, put: Put): boolean {
  if (index > countAt(place)) return false;
  splice(place, index, { remove: 0, insert: [put] });
  return true;
}

export function append(place: Slot, put: Put): void {
  splice(place, countAt(place), { remove: 0, insert: [put] });
}

/** Moves within a list; false when there is no such index. The target counts after the removal. */
export function moveWithin(place: Slot, source: number, destination: number): boolean {
  const count = countAt(place);
  if (source >= count || destination >= count) return false;
  const { holder, key } = place;
  const taken = (name: string): Exact | null => {
    const list = holder[name];
    return Array.isArray(list) ? (list[source] ?? null) : null;
  };
  const put = { value: taken(key), shadow: taken(`_${key}`) };
  splice(place, source, { remove: 1, insert: [] });
  splice(place, destination, { remove: 0, insert: [put] });
  return true;
}

/** Sets a single element; what stood beside it as its extensions goes. */
export function setSingle({ holder, key }: Slot, put: Put): void {
  delete holder[`_${key}`];
  if (put.value === null) delete holder[key];
  else holder[key] = put.value;
  if (put.shadow !== null) holder[`_${key}`] = put.shadow;
}

export function removeAt(place: Place): void {
  if (place.index === null) setSingle(place, { value: null, shadow: null });
  else splice(place, place.index, { remove: 1, insert: [] });
}

export function replaceAt(place: Place, put: Put): void {
  if (place.index === null) setSingle(place, put);
  else splice(place, place.index, { remove: 1, insert: [put] });
}
