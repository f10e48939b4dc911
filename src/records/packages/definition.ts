import { definitionKinds, type InstalledDefinition } from "#records/fhir/conformance.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";

// What is written for people makes up nine tenths of a profile.
const forPeople: ReadonlySet<string> = new Set([
  "text",
  "contact",
  "copyright",
  "description",
  "jurisdiction",
  "purpose",
  "useContext",
  "mapping",
]);
const ofElementForPeople: ReadonlySet<string> = new Set([
  "alias",
  "code",
  "comment",
  "definition",
  "example",
  "isSummary",
  "mapping",
  "mustSupport",
  "requirements",
  "short",
]);

function without(value: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.has(key)));
}

function elementsOf(value: unknown): { readonly element: readonly unknown[] } {
  const elements = isObject(value) ? listOf(value.element) : [];
  return {
    element: elements.map((each) => (isObject(each) ? without(each, ofElementForPeople) : each)),
  };
}

/** Whether each element says what it is about: the least that a compiler of profiles may rely on. */
function isSound(value: unknown): boolean {
  return (isObject(value) ? listOf(value.element) : []).every(
    (each) =>
      isObject(each) &&
      typeof each.path === "string" &&
      listOf(each.type).every((type) => isObject(type) && typeof type.code === "string"),
  );
}

function trimmed(value: JsonObject): JsonObject {
  if (value.resourceType === "Questionnaire") return value;
  const { snapshot, differential, ...rest } = without(value, forPeople);
  return {
    ...rest,
    ...(snapshot === undefined ? {} : { snapshot: elementsOf(snapshot) }),
    ...(differential === undefined ? {} : { differential: elementsOf(differential) }),
  };
}

/**
 * The definition that a resource of a package is; null when it is of no kind that is kept, or a
 * profile of which nothing could be made.
 */
export function definitionOf(value: JsonObject): InstalledDefinition | null {
  const kind = definitionKinds.find((known) => known === value.resourceType);
  const { url, version } = value;
  if (kind === undefined || typeof url !== "string" || url === "") return null;
  if (!isSound(value.snapshot) || !isSound(value.differential)) return null;
  return {
    kind,
    url,
    version: typeof version === "string" ? version : null,
    text: JSON.stringify(trimmed(value)),
  };
}
