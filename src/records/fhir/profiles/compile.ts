import type { ElementDefinition, StructureDefinition } from "@medplum/fhirtypes";
import { addElement } from "#records/fhir/profiles/element.ts";
import {
  copyNode,
  freshNode,
  type Profile,
  type ProfileNode,
} from "#records/fhir/profiles/node.ts";
import { typeSchema } from "#records/fhir/schema.ts";

/** One step on the way to an element: `category:VSCat` is the slice VSCat of the element category. */
interface Step {
  readonly name: string;
  readonly choice: boolean;
  readonly slice: string | null;
}

const choiceKey = /^([a-z][A-Za-z]*?)([A-Z][A-Za-z0-9]*)$/;

/** `valueQuantity` is short for the slice of `value[x]` that is a Quantity (R4 §5.1.0.14.4). */
function shortChoice(name: string, parentType: string | null): Step | null {
  const schema = parentType === null ? null : typeSchema(parentType);
  const element = schema?.elements.get(name);
  if (element?.choice !== true || choiceKey.exec(name) === null) return null;
  return { name: element.step, choice: true, slice: name };
}

function stepOf(segment: string, parentType: string | null): Step {
  const [name = "", slice = null] = segment.split(":", 2);
  if (name.endsWith("[x]")) return { name: name.slice(0, -"[x]".length), choice: true, slice };
  return (slice === null ? shortChoice(name, parentType) : null) ?? { name, choice: false, slice };
}

/**
 * The way to each element, in the order in which they are stated: by its id where that tells the
 * slices; else by its path and the slices that were opened on it before.
 */
function wayFinder(): (definition: ElementDefinition) => readonly string[] {
  const open = new Map<string, string>();
  return ({ path: stated, id = "", sliceName }) => {
    const path = stated.split(".");
    const named = id.split(".");
    if (named.length === path.length && named.every((each, i) => each.split(":")[0] === path[i]))
      return named;
    if (sliceName === undefined) open.delete(stated);
    else open.set(stated, sliceName);
    for (const key of open.keys()) if (key.startsWith(`${stated}.`)) open.delete(key);
    return path.map((segment, i) => {
      const slice = open.get(path.slice(0, i + 1).join("."));
      return slice === undefined ? segment : `${segment}:${slice}`;
    });
  };
}

function childOf(parent: ProfileNode, { name, choice }: Step): ProfileNode {
  const known = parent.children.get(name);
  if (known !== undefined) return known;
  const made = freshNode(name, choice);
  parent.children.set(name, made);
  return made;
}

function sliceOf(node: ProfileNode, name: string): ProfileNode {
  const known = node.slices.get(name);
  if (known !== undefined) return known;
  const made = freshNode(node.step, node.choice);
  node.slices.set(name, made);
  return made;
}

function typeIn(parentType: string | null, { name, choice, slice }: Step): string | null {
  const schema = parentType === null ? null : typeSchema(parentType);
  const element = schema?.elements.get(choice ? (slice ?? "") : name);
  return element?.type ?? null;
}

/** The node of an element, with those on the way to it; and the type of what holds it, if known. */
function reach(root: ProfileNode, type: string, segments: readonly string[]): ProfileNode {
  let node = root;
  let parentType: string | null = type;
  for (const segment of segments.slice(1)) {
    const step = stepOf(segment, parentType);
    parentType = typeIn(parentType, step);
    node = childOf(node, step);
    if (step.slice !== null) node = sliceOf(node, step.slice);
  }
  return node;
}

/** The types of a choice that a slice is named for, where it states none: `valueQuantity`. */
function impliedTypes(node: ProfileNode, segments: readonly string[]): void {
  const [, slice] = (segments.at(-1) ?? "").split(":", 2);
  const name = slice ?? segments.at(-1) ?? "";
  if (!node.choice || node.types !== null || !name.startsWith(node.step)) return;
  const code = name.slice(node.step.length);
  if (code === "" || code === "[x]") return;
  const primitive = code.charAt(0).toLowerCase() + code.slice(1);
  const isPrimitive = typeSchema(code) === null;
  node.types = [{ code: isPrimitive ? primitive : code, profiles: [], targets: [] }];
}

/** Where the profile that another is based on is found; null when it is not at hand. */
export type FindProfile = (canonical: string) => Profile | null;

const core = "http://hl7.org/fhir/StructureDefinition/";

function isCoreType(canonical: string): boolean {
  const [url = ""] = canonical.split("|");
  return url.startsWith(core) && typeSchema(url.slice(core.length)) !== null;
}

function contextsOf({ type, context }: StructureDefinition): readonly string[] | null {
  if (type !== "Extension" || context === undefined) return null;
  const elements = context.flatMap(({ type: kind, expression }) =>
    kind === "element" && expression !== undefined ? [expression] : [null],
  );
  const known = elements.filter((each) => each !== null);
  return known.length < elements.length || known.length === 0 ? null : known;
}

/** The elements from which it is compiled, and the tree to which they are added. */
function startOf(
  definition: StructureDefinition,
  find: FindProfile,
): { readonly root: ProfileNode; readonly elements: readonly ElementDefinition[] } {
  const { snapshot, differential, baseDefinition = "", type } = definition;
  const own = differential?.element ?? [];
  const base = isCoreType(baseDefinition) ? null : find(baseDefinition);
  const fresh = freshNode(type, false);
  if (own.length > 0 && isCoreType(baseDefinition)) return { root: fresh, elements: own };
  if (own.length > 0 && base !== null) return { root: copyNode(base.root), elements: own };
  return { root: fresh, elements: snapshot?.element ?? own };
}

/**
 * Compiles a profile to what it asks beyond R4's own type: its differential over the profile that it
 * is based on; its snapshot, where that one is not at hand. Null when it states no element of a type of R4.
 */
export function compileProfile(definition: StructureDefinition, find: FindProfile): Profile | null {
  const { url, type, derivation } = definition;
  if (url === undefined || type === undefined || derivation !== "constraint") return null;
  if (typeSchema(type) === null) return null;
  const { root, elements } = startOf(definition, find);
  if (elements.length === 0) return null;
  let isModifier = false;
  const wayTo = wayFinder();
  for (const element of elements) {
    const segments = wayTo(element);
    const node = reach(root, type, segments);
    addElement(node, element);
    impliedTypes(node, segments);
    if (segments.length === 1 && element.isModifier === true) isModifier = true;
  }
  // The root says how often a resource stands in a Bundle, or an extension in a place: not ours to ask.
  root.min = null;
  root.max = null;
  return { url, type, contexts: contextsOf(definition), isModifier, root };
}
