import { everything } from "#records/operations/everything.ts";
import { lastN } from "#records/operations/lastn.ts";
import { match } from "#records/operations/match.ts";
import type { CalledOn, Operation } from "#records/operations/operation.ts";
import { validate } from "#records/operations/validate.ts";

/** Every operation that is served, one line each. */
export const operations: readonly Operation[] = [everything, lastN, match, validate];

function levelOf({ type, id }: CalledOn): Operation["levels"][number] {
  if (id !== null) return "instance";
  return type === null ? "system" : "type";
}

/** The operation of this name where it was called; null when there is none. */
export function operationAt(name: string, on: CalledOn): Operation | null {
  const found = operations.find((each) => each.name === name);
  if (found === undefined || !found.levels.includes(levelOf(on))) return null;
  const { type } = on;
  return type === null || found.types === null || found.types.includes(type) ? found : null;
}
