import type { Resource } from "@medplum/fhirtypes";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import type { Bounds } from "#records/fhir/dates.ts";
import type { LiteralReference } from "#records/fhir/references.ts";
import type { SearchSort } from "#records/fhir/search-sort.ts";
import type { BlindLabel } from "#vault/blind-index.ts";

/** The resources on this server to which one parameter of a resource refers, each once. */
export type ReferenceReader = (value: Resource) => readonly LiteralReference[];

/** `_include` or `_revinclude` (R4 §3.1.1.5.4), of one reference parameter or, as `*`, of all of a type. */
export interface IncludeRule {
  /** False: what a `source` refers to is added. True: each `source` that refers to what was found is. */
  readonly reverse: boolean;
  /** Whether it is asked of resources that were included, too, and not of matches alone. */
  readonly iterate: boolean;
  /** The type whose parameter holds the references; null, for `*` alone, when any. */
  readonly source: ResourceType | null;
  /** The parameter's code, or `*`. */
  readonly parameter: string;
  /** The only type that is added, or, when `reverse`, that is referred to; null when any. */
  readonly target: ResourceType | null;
  /** The references of one `source`, of the `target` type alone where there is one. */
  readonly referencesOf: ReferenceReader;
}

/** A condition on resources that the matches are linked with. `matches` of the plan leaves it open. */
export type Join =
  /** `subject:Patient.name=x`: a match refers to a resource that answers one of `targets`, each of another type. */
  | {
      readonly kind: "chain";
      readonly at: string;
      readonly referencesOf: ReferenceReader;
      readonly targets: readonly SearchPlan[];
    }
  /** `_has:Observation:patient:code=x`: a resource that answers `plan` refers to the match. */
  | {
      readonly kind: "has";
      readonly at: string;
      readonly referencesOf: ReferenceReader;
      readonly plan: SearchPlan;
    };

/** A search that was understood, for whoever can look up labels and open what they find. */
export interface SearchPlan {
  readonly type: ResourceType;
  /** AND of ORs: a match has a label of each group. Too much may be found, so ask `matches` as well. */
  readonly labels: readonly (readonly string[])[];
  /** The same for Patients of any record, by the blind indexes; empty for other types. */
  readonly blind: readonly (readonly BlindLabel[])[];
  /** Whether anything narrows it: without, it lists all that there is. */
  readonly isFiltered: boolean;
  /** The patient whose record alone can hold a match; null when the search names none. */
  readonly patient: ResourceId | null;
  /** The ids of `_id`, of which a match has one; null when any. */
  readonly ids: readonly ResourceId[] | null;
  /** What a match's lastUpdated must touch, in ms; null when any. */
  readonly lastUpdated: Bounds | null;
  /** Resources a page; 0 asks for the total alone. */
  readonly count: number;
  readonly sort: SearchSort;
  /** Whether the answer tells how many matches there are on all pages. */
  readonly total: "none" | "accurate";
  /** All of the search but `joins`, asked of an opened resource as it was stored with its meta. */
  readonly matches: (value: Resource) => boolean;
  /** Each must hold of a match as well. */
  readonly joins: readonly Join[];
  readonly includes: readonly IncludeRule[];
  /**
   * Makes of a stored resource's text what `_elements` and `_summary` leave of it, marked SUBSETTED,
   * every number as it was written; null when resources are shown whole.
   */
  readonly shape: ((text: string, type: ResourceType) => string) | null;
  /** The parameters that were used, as the self link of the answer names them (R4 §3.1.1.2). */
  readonly used: readonly [name: string, value: string][];
}
