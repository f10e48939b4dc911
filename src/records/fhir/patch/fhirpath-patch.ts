import { ok, type Result } from "#core/result.ts";
import {
  isExactObject,
  parseExact,
  plainOf,
  writeExact,
  type ExactObject,
} from "#records/fhir/patch/exact-json.ts";
import {
  parametersOf,
  partNamed,
  partsOf,
  readPut,
  type Part,
} from "#records/fhir/patch/parameters.ts";
import { follow, lastName, parsePath, type Budget, type Path } from "#records/fhir/patch/path.ts";
import { patchLimits, patchRefused, tooMuch, type Patch } from "#records/fhir/patch/patch.ts";
import {
  append,
  childrenOf,
  elementsNamed,
  insertAt,
  moveWithin,
  removeAt,
  replaceAt,
  setSingle,
  type Found,
  type Slot,
} from "#records/fhir/patch/places.ts";
import type { ElementSchema } from "#records/fhir/schema.ts";

type Operation = {
  /** `Parameters.parameter[n]`. */
  readonly where: string;
  readonly path: Path;
} & (
  | { readonly type: "add"; readonly name: string; readonly value: Part }
  | { readonly type: "insert"; readonly index: number; readonly value: Part }
  | { readonly type: "delete" }
  | { readonly type: "replace"; readonly value: Part }
  | { readonly type: "move"; readonly source: number; readonly destination: number }
);

function textIn(parts: readonly Part[], name: string): string | null {
  const part = partNamed(parts, name);
  if (part === null) return null;
  const [text] = Object.entries(part).flatMap(([key, value]) =>
    key.startsWith("value") && typeof value === "string" ? [value] : [],
  );
  return text ?? null;
}

function wholeIn(parts: readonly Part[], name: string): number | null {
  const part = partNamed(parts, name);
  const found = part?.valueInteger ?? part?.valueUnsignedInt ?? part?.valuePositiveInt;
  const value = found === undefined ? null : plainOf(found);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function parseOperation(sent: ExactObject, where: string): Result<Operation> {
  const parts = partsOf(sent);
  const type = textIn(parts, "type") ?? "";
  const text = textIn(parts, "path");
  const missing = (name: string): Result<never> =>
    patchRefused(where, `has no part ${name} that can be used`);
  if (sent.name !== "operation") return patchRefused(where, "must be named operation");
  if (text === null) return missing("path");
  const path = parsePath(text, where);
  if (!path.ok) return path;
  const shared = { where, path: path.value };
  const value = partNamed(parts, "value");
  switch (type) {
    case "add": {
      const name = textIn(parts, "name")?.replace("[x]", "");
      if (name === undefined) return missing("name");
      return value === null ? missing("value") : ok({ ...shared, type, name, value });
    }
    case "insert": {
      const index = wholeIn(parts, "index");
      if (index === null) return missing("index");
      return value === null ? missing("value") : ok({ ...shared, type, index, value });
    }
    case "replace":
      return value === null ? missing("value") : ok({ ...shared, type, value });
    case "delete":
      return ok({ ...shared, type });
    case "move": {
      const [source, destination] = [wholeIn(parts, "source"), wholeIn(parts, "destination")];
      if (source === null) return missing("source");
      return destination === null
        ? missing("destination")
        : ok({ ...shared, type, source, destination });
    }
    default:
      return missing("type");
  }
}

/** The list that a path names, whether or not it holds anything yet. */
function listOf(
  { path, where }: Operation,
  root: Found,
  budget: Budget,
): Result<{ readonly slot: Slot; readonly element: ElementSchema }> {
  const split = lastName(path);
  const holders =
    split === null || split.holder === null
      ? ok([root])
      : follow(split.holder, root, { budget, where });
  if (!holders.ok) return holders;
  const [holder, more] = holders.value;
  const [element] =
    holder === undefined || split === null ? [] : elementsNamed(holder.type, split.name);
  return holder === undefined ||
    more !== undefined ||
    !isExactObject(holder.value) ||
    element?.many !== true
    ? patchRefused(where, "the path must name one list")
    : ok({ slot: { holder: holder.value, key: element.key }, element });
}

function add(
  operation: Extract<Operation, { type: "add" }>,
  found: readonly Found[],
): Result<null> {
  const { where, name, value } = operation;
  const [parent, more] = found;
  if (parent === undefined || more !== undefined || !isExactObject(parent.value))
    return patchRefused(where, "the path must lead to one element that can hold others");
  const put = readPut(value, elementsNamed(parent.type, name), where);
  if (!put.ok) return put;
  const { element } = put.value;
  const place = { holder: parent.value, key: element.key };
  if (element.many) append(place, put.value);
  else if (childrenOf(parent, name).length > 0)
    return patchRefused(where, "the element is there already, and can be there but once");
  else setSingle(place, put.value);
  return ok(null);
}

function replace(
  { where, value }: Extract<Operation, { type: "replace" }>,
  { place }: Found,
): Result<null> {
  if (place === null) return patchRefused(where, "the resource itself is replaced by an update");
  const put = readPut(value, place.elements, where);
  if (!put.ok) return put;
  const { key } = put.value.element;
  if (key === place.key) replaceAt(place, put.value);
  else {
    // A choice of types: what was there goes, with the key that named its type.
    removeAt(place);
    setSingle({ holder: place.holder, key }, put.value);
  }
  return ok(null);
}

function insert(
  operation: Extract<Operation, { type: "insert" }>,
  root: Found,
  budget: Budget,
): Result<null> {
  const list = listOf(operation, root, budget);
  if (!list.ok) return list;
  const { slot, element } = list.value;
  const put = readPut(operation.value, [element], operation.where);
  if (!put.ok) return put;
  return insertAt(slot, operation.index, put.value)
    ? ok(null)
    : patchRefused(operation.where, "the list is not as long as the index");
}

function move(
  operation: Extract<Operation, { type: "move" }>,
  root: Found,
  budget: Budget,
): Result<null> {
  const list = listOf(operation, root, budget);
  if (!list.ok) return list;
  return moveWithin(list.value.slot, operation.source, operation.destination)
    ? ok(null)
    : patchRefused(operation.where, "the list is not as long as the index");
}

/** Changes what the path of an operation leads to. */
function changeFound(
  operation: Extract<Operation, { type: "add" | "delete" | "replace" }>,
  root: Found,
  budget: Budget,
): Result<null> {
  const { where } = operation;
  const found = follow(operation.path, root, { budget, where });
  if (!found.ok) return found;
  if (operation.type === "add") return add(operation, found.value);
  const [only, more] = found.value;
  if (more !== undefined) return patchRefused(where, "the path leads to more than one element");
  if (operation.type === "replace")
    return only === undefined
      ? patchRefused(where, "the path leads to nothing")
      : replace(operation, only);
  // R4 §3.1.0.7.2: to delete what is not there is no failure.
  if (only === undefined) return ok(null);
  if (only.place === null) return patchRefused(where, "the resource itself is not deleted so");
  removeAt(only.place);
  return ok(null);
}

function apply(resource: ExactObject, operations: readonly Operation[]): Result<null> {
  const type = typeof resource.resourceType === "string" ? resource.resourceType : "";
  const root: Found = { value: resource, type, place: null };
  const budget = { visits: 0 };
  for (const operation of operations) {
    const done =
      operation.type === "insert"
        ? insert(operation, root, budget)
        : operation.type === "move"
          ? move(operation, root, budget)
          : changeFound(operation, root, budget);
    if (!done.ok) return done;
  }
  return ok(null);
}

/**
 * Reads a FHIRPath Patch (R4 §3.1.0.7.2). The text must have been checked to be a Parameters
 * resource. Fails as parseExact does, and as "patch-refused" or "too-costly".
 */
export function parseFhirPathPatch(text: string): Result<Patch> {
  const sent = parseExact(text);
  if (!sent.ok) return sent;
  const parameters = isExactObject(sent.value) ? parametersOf(sent.value) : [];
  if (parameters.length > patchLimits.operations) return tooMuch("Parameters.parameter");
  const operations: Operation[] = [];
  for (const [index, each] of parameters.entries()) {
    const operation = parseOperation(each, `Parameters.parameter[${index}]`);
    if (!operation.ok) return operation;
    operations.push(operation.value);
  }
  return ok((resource) => {
    const tree = parseExact(resource);
    if (!tree.ok) return tree;
    if (!isExactObject(tree.value)) return patchRefused("$this", "must be an object");
    const applied = apply(tree.value, operations);
    return applied.ok ? ok(writeExact(tree.value)) : applied;
  });
}
