import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import type { Item } from "#records/fhir/profiles/items.ts";
import type { Check } from "#records/fhir/profiles/walk.ts";

const asItem = (value: JsonObject): Item | null =>
  typeof value.resourceType === "string"
    ? {
        value,
        shadow: undefined,
        type: value.resourceType,
        step: "resolve",
        index: null,
        element: null,
      }
    : null;

/** The entries of a Bundle by every address under which they can be referred to. */
function addressesOf(bundle: JsonObject): ReadonlyMap<string, JsonObject> {
  const known = byBundle.get(bundle);
  if (known !== undefined) return known;
  const found = new Map<string, JsonObject>();
  for (const entry of listOf(bundle.entry)) {
    if (!isObject(entry) || !isObject(entry.resource)) continue;
    const { fullUrl, resource } = entry;
    if (typeof fullUrl === "string") found.set(fullUrl, resource);
    if (typeof resource.id === "string")
      found.set(`${String(resource.resourceType)}/${resource.id}`, resource);
  }
  byBundle.set(bundle, found);
  return found;
}

// Found once a Bundle: each of its thousands of references may ask.
const byBundle = new WeakMap<JsonObject, ReadonlyMap<string, JsonObject>>();

/** What a Reference points to, where it is contained or in the same Bundle; null anywhere else. */
export function resolveIn({ container, bundle }: Check, reference: unknown): Item | null {
  const text = isObject(reference) ? reference.reference : undefined;
  if (typeof text !== "string") return null;
  if (text.startsWith("#")) {
    const id = text.slice(1);
    const inner = listOf(container.contained).find((each) => isObject(each) && each.id === id);
    return isObject(inner) ? asItem(inner) : null;
  }
  const found = bundle === null ? undefined : addressesOf(bundle).get(text);
  return found === undefined ? null : asItem(found);
}
