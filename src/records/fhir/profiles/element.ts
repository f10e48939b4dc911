import type { ElementDefinition } from "@medplum/fhirtypes";
import type {
  BindingRule,
  Held,
  ProfileNode,
  Slicing,
  TypeRule,
} from "#records/fhir/profiles/node.ts";

/** Adds what an ElementDefinition states to a node; what it leaves out stays as it was. */

const maxValueSetUrl = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

function heldUnder(definition: ElementDefinition, prefix: string): Held | null {
  for (const [key, value] of Object.entries(definition))
    if (key.startsWith(prefix) && /^[A-Z]/.test(key.slice(prefix.length)))
      return { value: value as unknown };
  return null;
}

function typesOf({ type }: ElementDefinition): readonly TypeRule[] | null {
  if (type === undefined || type.length === 0) return null;
  return type.map(({ code, profile = [], targetProfile = [] }) => ({
    code: code.startsWith("http://hl7.org/fhirpath/") ? "string" : code,
    profiles: profile,
    targets: targetProfile,
  }));
}

const strengths = ["required", "extensible", "preferred", "example"] as const;

function bindingOf({ binding }: ElementDefinition): BindingRule | null {
  const strength = strengths.find((each) => each === binding?.strength);
  if (strength === undefined || binding?.valueSet === undefined) return null;
  const max = binding.extension?.find(({ url }) => url === maxValueSetUrl);
  return {
    strength,
    valueSet: binding.valueSet,
    maxValueSet: max?.valueCanonical ?? max?.valueUri ?? null,
  };
}

function slicingOf({ slicing }: ElementDefinition): Slicing | null {
  if (slicing === undefined) return null;
  const discriminators = (slicing.discriminator ?? []).flatMap(({ type, path }) =>
    type === undefined || path === undefined ? [] : [{ type, path }],
  );
  return { discriminators, closed: slicing.rules === "closed" };
}

function constraintsOf({ constraint = [] }: ElementDefinition): ProfileNode["constraints"] {
  return constraint.flatMap(({ key, severity, expression }) =>
    key === undefined || expression === undefined || severity !== "error"
      ? []
      : [{ key, expression }],
  );
}

function maxOf({ max }: ElementDefinition): number | null {
  if (max === undefined) return null;
  return max === "*" ? Number.POSITIVE_INFINITY : Number(max);
}

/** A slicing that is stated again may leave the discriminators out. */
function mergedSlicing(was: Slicing | null, now: Slicing | null): Slicing | null {
  if (was === null || now === null) return now ?? was;
  const { discriminators } = now.discriminators.length === 0 ? was : now;
  return { discriminators, closed: was.closed || now.closed };
}

export function addElement(node: ProfileNode, definition: ElementDefinition): void {
  node.min = definition.min ?? node.min;
  node.max = maxOf(definition) ?? node.max;
  node.types = typesOf(definition) ?? node.types;
  node.fixed = heldUnder(definition, "fixed") ?? node.fixed;
  node.pattern = heldUnder(definition, "pattern") ?? node.pattern;
  node.least = heldUnder(definition, "minValue") ?? node.least;
  node.most = heldUnder(definition, "maxValue") ?? node.most;
  node.maxLength = definition.maxLength ?? node.maxLength;
  node.binding = bindingOf(definition) ?? node.binding;
  node.slicing = mergedSlicing(node.slicing, slicingOf(definition));
  const known = new Set(node.constraints.map(({ key }) => key));
  const more = constraintsOf(definition).filter(({ key }) => !known.has(key));
  node.constraints = [...node.constraints, ...more];
}
