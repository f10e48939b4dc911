import { isFalse } from "#records/fhir/invariants.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { isCodedIn } from "#records/fhir/profiles/coded.ts";
import { compareHeld, fitsPattern, isFixed } from "#records/fhir/profiles/held.ts";
import { itemsOf, objectOf, type Item } from "#records/fhir/profiles/items.ts";
import type { Profile, ProfileNode, TypeRule } from "#records/fhir/profiles/node.ts";
import { sliceItems } from "#records/fhir/profiles/slices.ts";
import { fault, isKindOf, say, type Check } from "#records/fhir/profiles/walk.ts";
import { typeSchema } from "#records/fhir/schema.ts";

/** A profile may name others for its parts; deeper than this, they are not looked at. */
const maxDepth = 12;

/** Notes what a value lacks of a profile. */
export function checkProfile(check: Check, item: Item, profile: Profile): void {
  if (check.depth >= maxDepth) return;
  if (profile.type !== item.type) {
    if (!isKindOf(item.type, profile.type))
      fault(check, `is not of the type that ${profile.url} is for`);
    return;
  }
  checkNode({ ...within(check, item), depth: check.depth + 1 }, item, profile.root);
}

function checkNode(check: Check, item: Item, node: ProfileNode): void {
  check.budget.left -= 1;
  if (check.budget.left < 0) {
    if (check.budget.left === -1) fault(check, "is too large for its profiles to be checked");
    return;
  }
  checkTypes(check, item, node);
  checkHeld(check, item, node);
  checkBinding(check, item, node);
  checkConstraints(check, item, node);
  const inner = within(check, item);
  const object = objectOf(item);
  if (object === null) return;
  for (const child of node.children.values()) {
    const type = isObject(item.value) ? item.type : "Element";
    checkElement(inner, itemsOf(object, type, child.step), child);
  }
}

/** The walk inside of an item: a resource is `%resource` to all that stands in it. */
function within(check: Check, { value, element }: Item): Check {
  if (element?.kind !== "resource" || !isObject(value)) return check;
  const outer = check.resource.resourceType;
  const isCarried = check.resource !== value && (outer === "Bundle" || outer === "Parameters");
  return { ...check, resource: value, container: isCarried ? value : check.container };
}

function checkElement(check: Check, items: readonly Item[], node: ProfileNode): void {
  check.path.push(node.step);
  checkCount(check, items.length, node, "");
  for (const item of items) inItem(check, item, () => checkNode(check, item, node));
  if (node.slices.size > 0) checkSlices(check, items, node);
  check.path.pop();
}

function inItem(check: Check, { index }: Item, work: () => void): void {
  if (index !== null) check.path.push(index);
  work();
  if (index !== null) check.path.pop();
}

function checkCount(check: Check, count: number, { min, max }: ProfileNode, what: string): void {
  if (min !== null && count < min)
    fault(check, `${what}${min === 1 ? "is required" : `is required ${min} times`} by the profile`);
  if (max !== null && count > max)
    fault(
      check,
      `${what}may ${max === 0 ? "not be given" : `be given at most ${max} times`} by the profile`,
    );
}

function checkSlices(check: Check, items: readonly Item[], node: ProfileNode): void {
  const { bySlice, unclear, unmatched } = sliceItems(check, items, node);
  for (const [name, slice] of node.slices) {
    const own = bySlice.get(name) ?? [];
    const min = unclear ? 0 : slice.min;
    checkCount(check, own.length, { ...slice, min }, `slice ${name} `);
    for (const item of own) inItem(check, item, () => checkNode(check, item, slice));
  }
  if (node.slicing?.closed !== true) return;
  for (const item of unmatched)
    inItem(check, item, () => fault(check, "is of none of the slices that the profile allows"));
}

function checkTypes(check: Check, item: Item, { types }: ProfileNode): void {
  if (types === null || item.element === null) return;
  const rules = types.filter(({ code }) => isKindOf(item.type, code));
  if (rules.length === 0) {
    if (item.element.choice || item.element.kind === "resource")
      fault(check, "is of a type that the profile does not allow here");
    return;
  }
  const named = rules.flatMap(({ profiles }) => profiles);
  if (named.length > 0 && rules.every(({ profiles }) => profiles.length > 0))
    checkOneOf(check, item, named);
  checkTarget(check, item, rules);
}

function checkOneOf(check: Check, item: Item, canonicals: readonly string[]): void {
  const found = canonicals.map((canonical) => check.profiles.find(canonical));
  const [only] = found;
  // One that is not at hand may be the one that the value follows.
  if (only === undefined || found.includes(null)) return;
  if (found.length === 1 && only !== null) checkProfile(check, item, only);
  else if (!found.some((profile) => profile !== null && check.conforms(check, item, profile)))
    fault(check, "follows none of the profiles that are allowed here");
}

const relative = /^(?:https?:\/\/.+\/)?([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/.+)?$/;
const coreUrl = "http://hl7.org/fhir/StructureDefinition/";

/** A literal reference names a type of those whose profiles the element may point to. */
function checkTarget(check: Check, { value }: Item, rules: readonly TypeRule[]): void {
  if (!isObject(value) || typeof value.reference !== "string") return;
  const type = relative.exec(value.reference)?.[1];
  const targets = rules.flatMap((rule) => rule.targets);
  if (type === undefined || typeSchema(type) === null || targets.length === 0) return;
  const allowed = targets.map((canonical) =>
    typeSchema(canonical.slice(coreUrl.length)) === null || !canonical.startsWith(coreUrl)
      ? (check.profiles.find(canonical)?.type ?? null)
      : canonical.slice(coreUrl.length),
  );
  if (allowed.some((each) => each === null || isKindOf(type, each))) return;
  check.path.push("reference");
  fault(check, "names a resource type that the profile does not allow here");
  check.path.pop();
}

function checkHeld(check: Check, { value }: Item, node: ProfileNode): void {
  const { fixed, pattern, least, most, maxLength } = node;
  if (value === undefined || value === null) return;
  if (fixed !== null && !isFixed(value, fixed.value))
    fault(check, "is not the value that the profile fixes");
  if (pattern !== null && !fitsPattern(value, pattern.value))
    fault(check, "does not hold what the profile's pattern asks for");
  const below = least === null ? null : compareHeld(value, least.value);
  if (below !== null && below < 0) fault(check, "is less than the profile allows");
  const above = most === null ? null : compareHeld(value, most.value);
  if (above !== null && above > 0) fault(check, "is more than the profile allows");
  if (maxLength !== null && typeof value === "string" && value.length > maxLength)
    fault(check, `is longer than the ${maxLength} characters that the profile allows`);
}

function checkBinding(check: Check, item: Item, { binding }: ProfileNode): void {
  if (binding === null || item.value === undefined || item.value === null) return;
  const { strength, valueSet, maxValueSet } = binding;
  const isIn = (canonical: string): boolean | null => {
    const set = check.terminology.valueSet(canonical);
    return set === null ? null : isCodedIn(item.value, item.type, set);
  };
  if (strength === "required" && isIn(valueSet) === false)
    fault(check, "has no code of those that the profile requires");
  else if (maxValueSet !== null && isIn(maxValueSet) === false)
    fault(check, "has no code of those beyond which the profile lets none go");
  else if (strength === "extensible" && isIn(valueSet) === false)
    say(check, "warning", "has no code of those that the profile prefers where one fits");
}

function checkConstraints(check: Check, item: Item, { constraints }: ProfileNode): void {
  if (constraints.length === 0 || item.value === undefined || item.value === null) return;
  const { resource, container } = check;
  const { value, type, element } = item;
  const ofR4 = [...(typeSchema(type)?.constraints ?? []), ...(element?.constraints ?? [])];
  for (const { key, expression } of constraints)
    if (
      !ofR4.some((known) => known.key === key) &&
      !everyElement.has(key) &&
      isFalse({ value, type, resource, container }, expression)
    )
      fault(check, `does not keep the rule ${key} of the profile`);
}

// Stated again by each snapshot; R4's own walk keeps them.
const everyElement = new Set(["ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6"]);
