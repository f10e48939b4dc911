import type { ElementDefinition } from "@medplum/fhirtypes";
import { resourceTypes, structureDefinition } from "#records/fhir/definitions.ts";
import { BrokenInvariant } from "#core/result.ts";

/** One rule of R4 over a type or an element, as FHIRPath; only those that must hold. */
export interface Constraint {
  readonly key: string;
  readonly expression: string;
}

/** What one JSON key of an object may hold. */
export interface ElementSchema {
  /** Its name in FHIRPath: `value` for the keys valueQuantity, valueString… */
  readonly step: string;
  readonly key: string;
  /** A data type, a primitive, "Resource", or the path of an inline type: `Observation.component`. */
  readonly type: string;
  readonly kind: "primitive" | "complex" | "resource";
  readonly many: boolean;
  readonly max: number;
  /** True for each of the keys of a choice of types, `value[x]`. */
  readonly choice: boolean;
  /** Resource types that a Reference may name; null when any. */
  readonly targets: ReadonlySet<string> | null;
  /** The ValueSet of a required binding. */
  readonly valueSet: string | null;
  readonly constraints: readonly Constraint[];
  /** Whether a summary shows it (R4 §3.1.1.5.8). */
  readonly inSummary: boolean;
  /** Whether it can change what the rest means, so that nobody may leave it out. */
  readonly isModifier: boolean;
}

export interface TypeSchema {
  readonly name: string;
  readonly isResource: boolean;
  /** By JSON key. */
  readonly elements: ReadonlyMap<string, ElementSchema>;
  /** Elements that must be there, each with the keys that any of them may use. */
  readonly required: readonly { readonly step: string; readonly keys: readonly string[] }[];
  readonly constraints: readonly Constraint[];
}

const primitives = new Set(
  (
    "base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid " +
    "positiveInt string time unsignedInt uri url uuid xhtml"
  ).split(" "),
);

// Checked by the walk itself for every element, so not evaluated as FHIRPath.
const checkedByWalk = new Set(["ele-1", "ext-1"]);

function constraintsOf(definition: ElementDefinition): readonly Constraint[] {
  return (definition.constraint ?? []).flatMap(({ key, severity, expression }) =>
    key === undefined || expression === undefined || severity !== "error" || checkedByWalk.has(key)
      ? []
      : [{ key, expression }],
  );
}

const profileBase = "http://hl7.org/fhir/StructureDefinition/";

function targetsOf(profiles: readonly string[] | undefined): ReadonlySet<string> | null {
  const names = (profiles ?? []).map((url) => url.slice(profileBase.length));
  return names.length === 0 || names.includes("Resource") ? null : new Set(names);
}

/** The type's name in JSON terms; R4 states the types of `id` and `url` in FHIRPath's own system. */
function typeName(definition: ElementDefinition, code: string): string {
  if (!code.startsWith("http://hl7.org/fhirpath/")) return code;
  const path = definition.base?.path ?? "";
  if (path === "Resource.id") return "id";
  return path === "Extension.url" ? "uri" : "string";
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function elementsOf(definition: ElementDefinition, inline: boolean): readonly ElementSchema[] {
  const path = definition.path ?? "";
  const step = path.slice(path.lastIndexOf(".") + 1).replace("[x]", "");
  const choice = path.endsWith("[x]");
  const max = definition.max === "*" ? Number.POSITIVE_INFINITY : Number(definition.max ?? "1");
  const shared = {
    step,
    choice,
    max,
    // Only the base definition tells whether JSON writes an array.
    many: (definition.base?.max ?? definition.max) !== "1",
    valueSet:
      definition.binding?.strength === "required" ? (definition.binding.valueSet ?? null) : null,
    constraints: constraintsOf(definition),
    inSummary: definition.isSummary === true,
    isModifier: definition.isModifier === true,
  };
  const reused = definition.contentReference?.slice(1);
  if (reused !== undefined || inline)
    return [{ ...shared, key: step, type: reused ?? path, kind: "complex", targets: null }];
  return (definition.type ?? []).map((type) => {
    const name = typeName(definition, type.code ?? "");
    return {
      ...shared,
      key: choice ? step + capitalized(name) : step,
      type: name,
      kind: primitives.has(name) ? "primitive" : name === "Resource" ? "resource" : "complex",
      targets: targetsOf(type.targetProfile),
    };
  });
}

interface Draft {
  readonly elements: Map<string, ElementSchema>;
  readonly required: { readonly step: string; readonly keys: readonly string[] }[];
}

/** Compiles one StructureDefinition to its type and the inline types within it, by path. */
function compile(name: string): ReadonlyMap<string, TypeSchema> {
  const definition = structureDefinition(name);
  const [root, ...rest] = definition?.snapshot?.element ?? [];
  if (definition === null || root === undefined) return new Map();
  const isResource = definition.kind === "resource";
  const parents = new Set(rest.map(({ path }) => path.slice(0, path.lastIndexOf("."))));
  const compiled = new Map<string, TypeSchema & Draft>();
  const open = (path: string, at: ElementDefinition, resource: boolean): void => {
    const constraints = path === root.path ? constraintsOf(at) : [];
    compiled.set(path, {
      name: path,
      isResource: resource,
      elements: new Map(),
      required: [],
      constraints,
    });
  };
  open(root.path ?? name, root, isResource);
  // Items within items keep the rules of items: they are stated where the type is.
  const byPath = new Map(rest.map((element) => [element.path, element]));
  for (const element of rest) {
    const path = element.path ?? "";
    const parent = compiled.get(path.slice(0, path.lastIndexOf(".")));
    if (parent === undefined) throw new BrokenInvariant(`${path} stands before its parent`);
    const inline = parents.has(path);
    const reused = byPath.get(element.contentReference?.slice(1) ?? "");
    const inherited = reused === undefined ? [] : constraintsOf(reused);
    const schemas = elementsOf(element, inline).map((schema) => ({
      ...schema,
      constraints: [...schema.constraints, ...inherited],
    }));
    for (const schema of schemas) parent.elements.set(schema.key, schema);
    if ((element.min ?? 0) > 0)
      parent.required.push({
        step: schemas[0]?.step ?? "",
        keys: schemas.map(({ key }) => key),
      });
    if (inline) open(path, element, false);
  }
  return compiled;
}

// Definitions are constants of the standard: what was compiled once holds for the process.
const compiledTypes = new Map<string, TypeSchema>();

/** The schema of a type or an inline type by its path; null when R4 has none of that name. */
export function typeSchema(name: string): TypeSchema | null {
  const known = compiledTypes.get(name);
  if (known !== undefined) return known;
  const [type = name] = name.split(".");
  for (const [path, schema] of compile(type)) compiledTypes.set(path, schema);
  return compiledTypes.get(name) ?? null;
}

/** The schema of a resource type that an instance can have; null for anything else. */
export function resourceSchema(name: string): TypeSchema | null {
  return resourceTypes().has(name) ? typeSchema(name) : null;
}
