import type { Constraint } from "#records/fhir/schema.ts";

/** How items of one element are told apart (R4 §5.1.0.14). */
export interface Slicing {
  readonly discriminators: readonly { readonly type: string; readonly path: string }[];
  readonly closed: boolean;
}

export interface TypeRule {
  readonly code: string;
  /** Canonicals, of which the value must follow one; empty when it is free. */
  readonly profiles: readonly string[];
  /** Canonicals of what a reference may point to; empty when it is free. */
  readonly targets: readonly string[];
}

export interface BindingRule {
  readonly strength: "required" | "extensible" | "preferred" | "example";
  readonly valueSet: string;
  /** Beyond which not even an extensible binding may go (elementdefinition-maxValueSet). */
  readonly maxValueSet: string | null;
}

/** A value of JSON that an element must have; boxed, as any value may be one. */
export interface Held {
  readonly value: unknown;
}

/** What one profile asks of one element, and of what stands in it. Null: it asks nothing of the kind. */
export interface ProfileNode {
  /** Name in FHIRPath; `value` for `value[x]`. */
  readonly step: string;
  /** Whether it is a choice of types, `value[x]`. */
  readonly choice: boolean;
  min: number | null;
  max: number | null;
  types: readonly TypeRule[] | null;
  fixed: Held | null;
  pattern: Held | null;
  least: Held | null;
  most: Held | null;
  maxLength: number | null;
  binding: BindingRule | null;
  constraints: readonly Constraint[];
  slicing: Slicing | null;
  readonly slices: Map<string, ProfileNode>;
  readonly children: Map<string, ProfileNode>;
}

export interface Profile {
  /** Canonical url, without version. */
  readonly url: string;
  /** The type it constrains. */
  readonly type: string;
  /** Where an extension may stand; null when anywhere. */
  readonly contexts: readonly string[] | null;
  readonly isModifier: boolean;
  readonly root: ProfileNode;
}

export function freshNode(step: string, choice: boolean): ProfileNode {
  return {
    step,
    choice,
    min: null,
    max: null,
    types: null,
    fixed: null,
    pattern: null,
    least: null,
    most: null,
    maxLength: null,
    binding: null,
    constraints: [],
    slicing: null,
    slices: new Map(),
    children: new Map(),
  };
}

/** A copy to which more can be added, as a profile adds to the one it is based on. */
export function copyNode(node: ProfileNode): ProfileNode {
  const copies = (nodes: ReadonlyMap<string, ProfileNode>): Map<string, ProfileNode> =>
    new Map([...nodes].map(([name, each]) => [name, copyNode(each)]));
  return { ...node, slices: copies(node.slices), children: copies(node.children) };
}
