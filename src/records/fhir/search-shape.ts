import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { itemsOfArray, membersOfObject, objectOf, type Member } from "#records/fhir/json-text.ts";
import { typeSchema, type ElementSchema, type TypeSchema } from "#records/fhir/schema.ts";
import type { SearchPlan } from "#records/fhir/search-plan.ts";

type Shape = NonNullable<SearchPlan["shape"]>;

/** Elements named in one `_elements`. */
const maxElements = 100;

// R4 §3.1.1.5.9: whoever reads a part of a resource must see that it is one, and not write it back.
const subsetted = JSON.stringify({
  system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
  code: "SUBSETTED",
});

function taggedMeta(meta: string): string {
  const members = membersOfObject(meta);
  const tag = members.find(({ key }) => key === "tag");
  if (tag === undefined) return objectOf([...members, { key: "tag", value: `[${subsetted}]` }]);
  const tags = [...itemsOfArray(tag.value), subsetted].join(",");
  return objectOf(
    members.map((member) => (member.key === "tag" ? { key: "tag", value: `[${tags}]` } : member)),
  );
}

function tagged(members: readonly Member[]): readonly Member[] {
  const isMeta = ({ key }: Member): boolean => key === "meta";
  const mark = (meta: string): Member => ({ key: "meta", value: taggedMeta(meta) });
  return members.some(isMeta)
    ? members.map((member) => (isMeta(member) ? mark(member.value) : member))
    : [...members, mark("{}")];
}

const plainKey = (key: string): string => (key.startsWith("_") ? key.slice(1) : key);

// Without these nobody could tell which resource it is.
const identifying: ReadonlySet<string> = new Set(["resourceType", "id", "meta"]);

function requiredKeys(schema: TypeSchema): ReadonlySet<string> {
  return new Set(schema.required.flatMap(({ keys }) => keys));
}

/** Keeps the members of a resource that pass, and those that identify it. */
function keeping(text: string, keeps: (key: string) => boolean): string {
  const kept = membersOfObject(text).filter(
    ({ key }) => identifying.has(key) || keeps(plainKey(key)),
  );
  return objectOf(tagged(kept));
}

/** What a summary shows of a value; null when nothing is left of it. */
function summaryOf(text: string, { type, kind }: ElementSchema): string | null {
  const schema = kind === "complex" ? typeSchema(type) : null;
  if (schema === null) return text;
  if (!text.startsWith("[")) return summaryOfObject(text, schema);
  const items = itemsOfArray(text).flatMap((item) => summaryOfObject(item, schema) ?? []);
  return items.length === 0 ? null : `[${items.join(",")}]`;
}

function summaryMembers(text: string, schema: TypeSchema): readonly Member[] {
  return membersOfObject(text).flatMap(({ key, value }) => {
    const element = schema.elements.get(plainKey(key));
    if (element?.inSummary !== true) return [];
    // What stands under `_key` are the extensions of a primitive, which are no part of a summary.
    const summary = key.startsWith("_") ? null : summaryOf(value, element);
    return summary === null ? [] : [{ key, value: summary }];
  });
}

function summaryOfObject(text: string, schema: TypeSchema): string | null {
  const members = summaryMembers(text, schema);
  return members.length === 0 ? null : objectOf(members);
}

/** R4 §3.1.1.5.8 `_summary=true`: the elements that the standard marks, at every depth. */
const summarised: Shape = (text, type) => {
  const schema = typeSchema(type);
  if (schema === null) return text;
  const name = membersOfObject(text).filter(({ key }) => key === "resourceType");
  return objectOf(tagged([...name, ...summaryMembers(text, schema)]));
};

/** `_summary=text`: the narrative, and what every resource of the type must have. */
const narrated: Shape = (text, type) => {
  const schema = typeSchema(type);
  const required = schema === null ? new Set<string>() : requiredKeys(schema);
  return keeping(text, (key) => key === "text" || required.has(key));
};

/** `_summary=data`: all but the narrative. */
const unnarrated: Shape = (text) => keeping(text, (key) => key !== "text");

/** Reads `_summary`, of which `count` shapes nothing. Fails with parameter-invalid. */
export function parseSummary(text: string): Result<Shape | null> {
  switch (text) {
    case "false":
    case "count":
      return ok(null);
    case "true":
      return ok(summarised);
    case "text":
      return ok(narrated);
    case "data":
      return ok(unnarrated);
    default:
      return refuse("parameter-invalid", {
        at: "_summary",
        detail: "is not true, text, data, count or false",
      });
  }
}

/**
 * Reads `_elements` (R4 §3.1.1.5.9): elements at the root of the type, beside which its mandatory
 * and modifying ones are always shown. Other types, included ones, stay whole. Fails with
 * parameter-invalid for what is no element.
 */
export function parseElements(searched: ResourceType, text: string): Result<Shape> {
  const schema = typeSchema(searched);
  const names = text.split(",").map((name) => name.trim());
  const elements = [...(schema?.elements.values() ?? [])];
  const isElement = (name: string): boolean =>
    elements.some(({ step, key }) => step === name || key === name);
  if (schema === null || names.length > maxElements || !names.every(isElement))
    return refuse("parameter-invalid", {
      at: "_elements",
      detail: "names what is no element at the root of this type",
    });
  const asked = new Set(names);
  const kept = elements.filter(
    ({ step, key, isModifier }) => isModifier || asked.has(step) || asked.has(key),
  );
  const keys = new Set([...kept.map(({ key }) => key), ...requiredKeys(schema)]);
  return ok((resource, type) =>
    type === searched ? keeping(resource, (key) => keys.has(key)) : resource,
  );
}
