import { isObject } from "#records/fhir/json-value.ts";
import { isCodedIn } from "#records/fhir/profiles/coded.ts";
import { fitsPattern, isFixed } from "#records/fhir/profiles/held.ts";
import { itemsOf, objectOf, type Item } from "#records/fhir/profiles/items.ts";
import { freshNode, type ProfileNode, type Slicing } from "#records/fhir/profiles/node.ts";
import { resolveIn } from "#records/fhir/profiles/resolve.ts";
import { isKindOf, type Check } from "#records/fhir/profiles/walk.ts";
import type { Membership } from "#records/fhir/terminology/value-set.ts";

/** Which items belong to which slice. */
export interface Sliced {
  readonly bySlice: ReadonlyMap<string, readonly Item[]>;
  /** Whether of some item it could not be told where it belongs. */
  readonly unclear: boolean;
  readonly unmatched: readonly Item[];
}

const byUrl: Slicing["discriminators"] = [{ type: "value", path: "url" }];
const byType: Slicing["discriminators"] = [{ type: "type", path: "$this" }];

/** R4 §5.1.0.14: extensions are told apart by their url, choices by their type, though unsaid. */
function discriminatorsOf({ slicing, step, choice }: ProfileNode): Slicing["discriminators"] {
  if (slicing !== null && slicing.discriminators.length > 0) return slicing.discriminators;
  if (step === "extension" || step === "modifierExtension") return byUrl;
  return choice ? byType : [];
}

export function sliceItems(check: Check, items: readonly Item[], node: ProfileNode): Sliced {
  const discriminators = discriminatorsOf(node);
  const bySlice = new Map<string, Item[]>();
  const unmatched: Item[] = [];
  let unclear = discriminators.length === 0;
  for (const item of items) {
    let verdict: Membership = false;
    for (const [name, slice] of node.slices) {
      verdict = belongs(check, item, slice, discriminators);
      if (verdict === true) bySlice.set(name, [...(bySlice.get(name) ?? []), item]);
      if (verdict !== false) break;
    }
    if (verdict === null) unclear = true;
    if (verdict === false) unmatched.push(item);
  }
  return { bySlice, unclear, unmatched };
}

function all(verdicts: readonly Membership[]): Membership {
  if (verdicts.includes(false)) return false;
  return verdicts.includes(null) ? null : true;
}

function some(verdicts: readonly Membership[]): Membership {
  if (verdicts.includes(true)) return true;
  return verdicts.includes(null) ? null : false;
}

function belongs(
  check: Check,
  item: Item,
  slice: ProfileNode,
  discriminators: Slicing["discriminators"],
): Membership {
  if (discriminators.length === 0) return null;
  return all(discriminators.map((each) => isTold(check, item, slice, each)));
}

interface Found {
  readonly items: readonly Item[];
  /** What the slice asks of them; null when it asks nothing there. */
  readonly node: ProfileNode | null;
}

function isTold(
  check: Check,
  item: Item,
  slice: ProfileNode,
  { type, path }: Slicing["discriminators"][number],
): Membership {
  if (path === "url" && item.type === "Extension") return hasUrl(item, slice);
  const found = follow(check, { items: [item], node: slice }, path);
  if (found === null || found.node === null) return null;
  const { items, node } = found;
  switch (type) {
    case "exists":
      return node.max === 0 ? items.length === 0 : items.length > 0;
    case "type": {
      const { types } = node;
      if (types === null) return null;
      return items.some((each) => types.some(({ code }) => isKindOf(each.type, code)));
    }
    case "profile":
      return some(items.map((each) => followsOne(check, each, node)));
    default:
      return some(items.map((each) => meets(check, each, node)));
  }
}

/** An extension's slice is named by the definition of the extension, or by its url itself. */
function hasUrl({ value }: Item, { types, children }: ProfileNode): Membership {
  const url = isObject(value) ? value.url : undefined;
  const fixed = children.get("url")?.fixed ?? null;
  if (fixed !== null) return url === fixed.value;
  const profiles = (types ?? []).flatMap((type) => type.profiles);
  if (profiles.length === 0) return null;
  return profiles.some((canonical) => canonical.split("|")[0] === url);
}

function followsOne(check: Check, item: Item, { types }: ProfileNode): Membership {
  const canonicals = (types ?? []).flatMap(({ profiles }) => profiles);
  if (canonicals.length === 0) return null;
  return some(
    canonicals.map((canonical) => {
      const profile = check.profiles.find(canonical);
      if (profile === null) return null;
      return profile.type === item.type && check.conforms(check, item, profile);
    }),
  );
}

const stepForm =
  /^(?:(\$this)|(resolve)\(\)|ofType\((\w+)\)|extension\('([^']+)'\)|(\w+)(?:\[x\])?)$/;

/** Goes a discriminator's path, in the items and in what the slice asks; null when it cannot be gone. */
function follow(check: Check, from: Found, path: string): Found | null {
  let at: Found = from;
  for (const text of path.match(/(?:[^.(]|\([^)]*\))+/g) ?? []) {
    const [whole, self, resolve, ofType, extension, name] = stepForm.exec(text) ?? [];
    if (whole === undefined) return null;
    if (self !== undefined) continue;
    const next =
      resolve === undefined
        ? stepInto(check, at, { ofType, extension, name })
        : resolved(check, at);
    if (next === null) return null;
    at = next;
  }
  return at;
}

interface Named {
  readonly ofType: string | undefined;
  readonly extension: string | undefined;
  readonly name: string | undefined;
}

function stepInto(check: Check, { items, node }: Found, step: Named): Found {
  if (step.ofType !== undefined) {
    const { ofType } = step;
    return { items: items.filter(({ type }) => type === ofType), node };
  }
  const name = step.name ?? "extension";
  const inner = items.flatMap((item) => {
    const object = objectOf(item);
    return object === null ? [] : itemsOf(object, item.type, name);
  });
  const child = node === null ? null : childOf(check, node, name);
  const { extension } = step;
  if (extension === undefined) return { items: inner, node: child };
  const slices = [...(child?.slices.values() ?? [])];
  return {
    items: inner.filter(({ value }) => isObject(value) && value.url === extension),
    node: slices.find((slice) => hasUrlOf(slice, extension)) ?? null,
  };
}

const hasUrlOf = ({ types }: ProfileNode, url: string): boolean =>
  (types ?? []).some(({ profiles }) => profiles.some((each) => each.split("|")[0] === url));

/** What a node asks of one of its elements: itself, or by the profile of its only type. */
function childOf(check: Check, node: ProfileNode, name: string): ProfileNode | null {
  const own = node.children.get(name);
  if (own !== undefined) return own;
  const profiles = (node.types ?? []).flatMap((type) => type.profiles);
  const [only] = profiles;
  if (only === undefined || profiles.length > 1) return null;
  return check.profiles.find(only)?.root.children.get(name) ?? null;
}

function resolved(check: Check, { items, node }: Found): Found | null {
  const found = items.map(({ value }) => resolveIn(check, value));
  if (found.includes(null)) return null;
  const targets = (node?.types ?? []).flatMap((type) => type.targets);
  const types = targets.map((canonical) => {
    const code =
      check.profiles.find(canonical)?.type ?? canonical.slice(canonical.lastIndexOf("/") + 1);
    return { code, profiles: [canonical], targets: [] };
  });
  return {
    items: found.filter((each) => each !== null),
    node: { ...freshNode("resolve", false), types: types.length === 0 ? null : types },
  };
}

/** Whether an item is what a slice fixes; null when the slice fixes nothing, or it cannot be told. */
function meets(check: Check, item: Item, node: ProfileNode): Membership {
  const { value, type } = item;
  const verdicts: Membership[] = [];
  if (node.fixed !== null) verdicts.push(isFixed(value, node.fixed.value));
  if (node.pattern !== null) verdicts.push(fitsPattern(value, node.pattern.value));
  if (node.binding?.strength === "required") {
    const set = check.terminology.valueSet(node.binding.valueSet);
    verdicts.push(set === null ? null : isCodedIn(value, type, set));
  }
  const object = objectOf(item);
  if (object !== null)
    for (const child of node.children.values()) {
      const wanted = [child, ...[...child.slices.values()].filter(({ min }) => (min ?? 0) > 0)];
      for (const each of wanted.filter(fixesSomething)) {
        const inner = itemsOf(object, type, each.step);
        verdicts.push(some(inner.map((one) => meets(check, one, each))));
      }
    }
  return verdicts.length === 0 ? null : all(verdicts);
}

function fixesSomething({ fixed, pattern, binding, children }: ProfileNode): boolean {
  if (fixed !== null || pattern !== null || binding?.strength === "required") return true;
  return [...children.values()].some(fixesSomething);
}
