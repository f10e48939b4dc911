import { isObject } from "#records/fhir/json-value.ts";
import { checkProfile } from "#records/fhir/profiles/check.ts";
import type { Item } from "#records/fhir/profiles/items.ts";
import { fault, say, type Check } from "#records/fhir/profiles/walk.ts";
import { typeSchema } from "#records/fhir/schema.ts";

/** Whether an extension of this context may stand in an element of the type, or at the path, `place`. */
function standsIn(context: string, place: string): boolean {
  if (context === place || context === "Element" || context === "*") return true;
  if (context === "Resource" || context === "DomainResource")
    return typeSchema(place)?.isResource === true;
  if (context === "BackboneElement") return place.includes(".");
  // A name that R4 does not have (CanonicalResource): it cannot be told what it stands for.
  return typeSchema(context.split(".")[0] ?? "") === null;
}

/** Notes what is wrong with an extension by its own definition; nothing where that is not at hand. */
export function checkExtension(check: Check, item: Item, parentType: string): void {
  const { value, step } = item;
  const url = isObject(value) ? value.url : undefined;
  if (typeof url !== "string" || !/^[a-z]+:/.test(url)) return;
  const profile = check.profiles.find(url);
  if (profile === null || profile.type !== "Extension") return;
  checkProfile(check, item, profile);
  if (step === "modifierExtension" && !profile.isModifier)
    fault(check, "is an extension that does not modify, in a place for those that do");
  if (step === "extension" && profile.isModifier)
    fault(check, "is an extension that modifies, in a place for those that do not");
  const { contexts } = profile;
  if (contexts === null || !isMisplaced(check, contexts, parentType)) return;
  // R4's own extensions were later let stand in more places, by definitions that replace R4's.
  const severity = url.startsWith(ofR4) ? "warning" : "error";
  say(check, severity, "is an extension that may not stand here");
}

const ofR4 = "http://hl7.org/fhir/StructureDefinition/";

/** Only what is certain: the path at which the extension stands, and the type that holds it. */
function isMisplaced(check: Check, contexts: readonly string[], parentType: string): boolean {
  const names = check.path.filter((step) => typeof step === "string").slice(0, -1);
  const places = new Set([parentType, names.join(".")]);
  const resource = String(check.resource.resourceType);
  const at = names.lastIndexOf(resource);
  for (let from = Math.max(at, 0); from < names.length; from += 1)
    places.add(names.slice(from).join("."));
  // In a resource that is carried by another the path begins with the carrier.
  if (check.resource !== check.container || names[0] !== resource)
    for (let from = 1; from <= names.length; from += 1)
      places.add([resource, ...names.slice(-from)].join("."));
  return !contexts.some((context) => [...places].some((place) => standsIn(context, place)));
}
