import { isJson, type Json } from "./judge.ts";
import type { IncludeRequirement } from "./requirements.ts";

/** What an inclusion must bring along with one match. */
export interface IncludeCase {
  /** Type and id of the match. */
  readonly type: string;
  readonly id: string;
  /** `Type/id` of what comes with it, in order. */
  readonly brought: readonly string[];
}

const nameOf = (resource: Json): string =>
  `${String(resource["resourceType"])}/${String(resource["id"])}`;

function* referencesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const each of value) yield* referencesIn(each);
  if (!isJson(value)) return;
  if (typeof value["reference"] === "string") yield value["reference"];
  for (const each of Object.values(value)) yield* referencesIn(each);
}

/** References under the elements that a parameter is named after: `medication` reads `medicationReference`. */
function referencesOf(resource: Json, parameter: string): readonly string[] {
  const named = Object.entries(resource).filter(([key]) => key.startsWith(parameter));
  return [...new Set(named.flatMap(([, value]) => [...referencesIn(value)]))];
}

function forward(path: string, stored: readonly Json[]): IncludeCase | null {
  const [type = "", parameter = "", target] = path.split(":");
  const known = new Set(stored.map(nameOf));
  for (const resource of stored) {
    if (resource["resourceType"] !== type) continue;
    const wanted = target === undefined ? "" : `${target}/`;
    const brought = referencesOf(resource, parameter).filter(
      (reference) => known.has(reference) && reference.startsWith(wanted),
    );
    if (brought.length > 0) return { type, id: String(resource["id"]), brought: brought.sort() };
  }
  return null;
}

function backward(type: string, path: string, stored: readonly Json[]): IncludeCase | null {
  const [source = "", parameter = ""] = path.split(":");
  const sources = stored.filter((each) => each["resourceType"] === source);
  for (const resource of stored) {
    if (resource["resourceType"] !== type) continue;
    const brought = sources
      .filter((each) => referencesOf(each, parameter).includes(nameOf(resource)))
      .map(nameOf);
    if (brought.length > 0) return { type, id: String(resource["id"]), brought: brought.sort() };
  }
  return null;
}

/** A match among what is stored, and what must come with it; null when nothing stored has any. */
export function includeCaseOf(
  { type, kind, path }: IncludeRequirement,
  stored: readonly Json[],
): IncludeCase | null {
  return kind === "_include" ? forward(path, stored) : backward(type, path, stored);
}
