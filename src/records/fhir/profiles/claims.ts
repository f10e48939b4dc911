import type { Conformance } from "#records/fhir/conformance.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { checkProfile } from "#records/fhir/profiles/check.ts";
import { checkExtension } from "#records/fhir/profiles/extensions.ts";
import { allItems, objectOf, type Item } from "#records/fhir/profiles/items.ts";
import { profilesOf } from "#records/fhir/profiles/profiles.ts";
import { maxLooks, type Check, type Issue } from "#records/fhir/profiles/walk.ts";
import { terminologyOf } from "#records/fhir/terminology/terminology.ts";

/** Told of each value of a resource in its place, the resource itself included. */
export type Visit = (check: Check, item: Item, parentType: string) => void;

function rootItem(resource: JsonObject): Item {
  return {
    value: resource,
    shadow: undefined,
    type: String(resource.resourceType),
    step: String(resource.resourceType),
    index: null,
    element: null,
  };
}

/** A walk over a resource that R4 itself has nothing against; nothing is noted yet. */
export function beginCheck(resource: JsonObject, conformance: Conformance): Check {
  return {
    profiles: profilesOf(conformance),
    terminology: terminologyOf(conformance),
    issues: [],
    path: [String(resource.resourceType)],
    resource,
    container: resource,
    bundle: resource.resourceType === "Bundle" ? resource : null,
    budget: { left: maxLooks },
    depth: 0,
    conforms: (check, item, profile) => {
      const trial = { ...check, issues: [], path: [...check.path] };
      checkProfile(trial, item, profile);
      return !trial.issues.some(({ severity }: Issue) => severity === "error");
    },
  };
}

function visitItem(check: Check, item: Item, parentType: string, visit: Visit): void {
  const { value, element, type } = item;
  const isResource = isObject(value) && (element === null || element.kind === "resource");
  const outer = check.resource.resourceType;
  const isCarried = outer === "Bundle" || outer === "Parameters";
  const inner =
    isResource && element !== null
      ? {
          ...check,
          resource: value,
          container: isCarried ? value : check.container,
          bundle: value.resourceType === "Bundle" ? value : check.bundle,
        }
      : check;
  visit(inner, item, parentType);
  const object = objectOf(item);
  if (object === null) return;
  const within = isObject(value) ? type : "Element";
  const stepType = isObject(value) ? type : `${parentType}.${item.step}`;
  for (const each of allItems(object, within)) {
    inner.path.push(each.step);
    if (each.index !== null) inner.path.push(each.index);
    visitItem(inner, each, stepType, visit);
    if (each.index !== null) inner.path.pop();
    inner.path.pop();
  }
}

/** Goes through all that a resource holds, with the resources that stand in it. */
export function visitAll(check: Check, visit: Visit): void {
  const item = rootItem(check.resource);
  visitItem(check, item, item.type, visit);
}

/** The profiles that a resource itself says it follows. */
function claimed(resource: JsonObject): readonly string[] {
  const meta = isObject(resource.meta) ? resource.meta : {};
  return listOf(meta.profile).filter((each) => typeof each === "string");
}

/** Notes what a resource lacks of the profiles that it claims, and its extensions of theirs. */
export function checkClaims(check: Check, item: Item, parentType: string): void {
  const { value, type } = item;
  if (!isObject(value)) return;
  if (type === "Extension") checkExtension(check, item, parentType);
  if (typeof value.resourceType !== "string") return;
  for (const canonical of claimed(value)) {
    const profile = check.profiles.find(canonical);
    if (profile !== null) checkProfile(check, item, profile);
  }
}

/** Notes what a resource lacks of a profile that someone else names. Fails as null when it is not at hand. */
export function checkAgainst(check: Check, canonical: string): true | null {
  const profile = check.profiles.find(canonical);
  if (profile === null) return null;
  checkProfile(check, rootItem(check.resource), profile);
  return true;
}

/**
 * What keeps a resource from what it claims: profiles in meta.profile that R4 or an installed package
 * defines, and extensions that they define; those that are not at hand are let be. The resource
 * follows R4 itself. `text` is its JSON, which tells at once that there is nothing to look for.
 */
export function claimIssues(
  resource: JsonObject,
  text: string,
  conformance: Conformance,
): readonly Issue[] {
  if (!text.includes('"profile"') && !text.includes('xtension"')) return [];
  const check = beginCheck(resource, conformance);
  visitAll(check, checkClaims);
  return check.issues;
}
