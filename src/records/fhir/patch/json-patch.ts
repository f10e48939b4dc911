import { isDeepStrictEqual } from "node:util";
import { applyPatch, Pointer } from "rfc6902";
import { ok, unreachable, type Result } from "#core/result.ts";
import {
  isExactObject,
  parseExact,
  plainOf,
  writeExact,
  type Exact,
} from "#records/fhir/patch/exact-json.ts";
import { patchLimits, patchRefused, tooMuch, type Patch } from "#records/fhir/patch/patch.ts";

type Operation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: Exact }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly path: string; readonly from: string };

const pointerText = /^(?:\/(?:[^~/]|~[01])*)*$/;

function isPointer(text: Exact | undefined): text is string {
  return (
    typeof text === "string" && text.length <= patchLimits.pathCharacters && pointerText.test(text)
  );
}

function parseOperation(sent: Exact, at: string): Result<Operation> {
  if (!isExactObject(sent)) return patchRefused(at, "must be an object");
  const { path, from, value } = sent;
  const op = typeof sent.op === "string" ? sent.op : "";
  if (!isPointer(path)) return patchRefused(`${at}.path`, "must be a JSON Pointer (RFC 6901)");
  switch (op) {
    case "add":
    case "replace":
    case "test":
      return value === undefined
        ? patchRefused(`${at}.value`, "is required")
        : ok({ op, path, value });
    case "remove":
      return ok({ op, path });
    case "move":
    case "copy":
      return isPointer(from)
        ? ok({ op, path, from })
        : patchRefused(`${at}.from`, "must be a JSON Pointer (RFC 6901)");
    default:
      return patchRefused(`${at}.op`, "is no operation of RFC 6902");
  }
}

const indexText = /^(?:0|[1-9][0-9]{0,8})$/;
const ofPrototypes = new Set(["__proto__", "constructor", "prototype"]);

function childOf(tree: Exact, token: string): Exact | undefined {
  if (Array.isArray(tree)) return indexText.test(token) ? tree[Number(token)] : undefined;
  return isExactObject(tree) && Object.hasOwn(tree, token) ? tree[token] : undefined;
}

/** What the pointer leads to; undefined when nothing is there. */
function at(tree: Exact, tokens: readonly string[]): Exact | undefined {
  let found: Exact | undefined = tree;
  for (const token of tokens) {
    if (found === undefined) return undefined;
    found = childOf(found, token);
  }
  return found;
}

// The library reads an index as far as it is a number, and would write to places that no JSON has.
const tokensOf = (pointer: string): readonly string[] => Pointer.fromJSON(pointer).tokens.slice(1);

/** Whether a value can be put there: beside others in an array, or under any name in an object. */
function canHold(tree: Exact, tokens: readonly string[]): boolean {
  const last = tokens.at(-1);
  const parent = at(tree, tokens.slice(0, -1));
  if (last === undefined || parent === undefined) return false;
  if (Array.isArray(parent))
    return last === "-" || (indexText.test(last) && Number(last) <= parent.length);
  return isExactObject(parent) && !ofPrototypes.has(last);
}

/** Why an operation cannot be done; null when it can. The whole resource is never its target. */
function obstacle(tree: Exact, operation: Operation): string | null {
  const tokens = tokensOf(operation.path);
  switch (operation.op) {
    case "test": {
      const found = at(tree, tokens);
      const holds =
        found !== undefined && isDeepStrictEqual(plainOf(found), plainOf(operation.value));
      return holds ? null : "the test failed";
    }
    case "remove":
    case "replace":
      return tokens.length === 0 || at(tree, tokens) === undefined ? "there is nothing" : null;
    case "add":
      return canHold(tree, tokens) ? null : "nothing can be put there";
    case "move":
    case "copy": {
      const from = tokensOf(operation.from);
      if (from.length === 0 || at(tree, from) === undefined) return "there is nothing to take";
      return canHold(tree, tokens) ? null : "nothing can be put there";
    }
    default:
      return unreachable(operation);
  }
}

function addedBy(tree: Exact, operation: Operation): number {
  if (operation.op === "add" || operation.op === "replace")
    return JSON.stringify(operation.value).length;
  if (operation.op !== "copy") return 0;
  return JSON.stringify(at(tree, tokensOf(operation.from)) ?? null).length;
}

function apply(tree: Exact, operations: readonly Operation[]): Result<Exact> {
  let added = 0;
  for (const [index, operation] of operations.entries()) {
    const where = `[${index}]`;
    const reason = obstacle(tree, operation);
    if (reason !== null) return patchRefused(where, reason);
    added += addedBy(tree, operation);
    if (added > patchLimits.addedCharacters) return tooMuch(where);
    if (operation.op === "test") continue;
    const [error] = applyPatch(tree, [operation]);
    if (error !== null && error !== undefined) return patchRefused(where, "cannot be done");
  }
  return ok(tree);
}

/** Reads a JSON Patch (RFC 6902). Fails as parseExact does, and as "patch-refused" or "too-costly". */
export function parseJsonPatch(text: string): Result<Patch> {
  const sent = parseExact(text);
  if (!sent.ok) return sent;
  if (!Array.isArray(sent.value)) return patchRefused("$this", "must be an array of operations");
  if (sent.value.length > patchLimits.operations) return tooMuch("$this");
  const operations: Operation[] = [];
  for (const [index, each] of sent.value.entries()) {
    const operation = parseOperation(each, `[${index}]`);
    if (!operation.ok) return operation;
    operations.push(operation.value);
  }
  return ok((resource) => {
    const tree = parseExact(resource);
    const patched = tree.ok ? apply(tree.value, operations) : tree;
    return patched.ok ? ok(writeExact(patched.value)) : patched;
  });
}
