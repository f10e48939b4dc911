import type {
  CapabilityStatement,
  CapabilityStatementRestResource,
  Extension,
  SearchParameter,
} from "@medplum/fhirtypes";
import type { FhirPackage } from "../../support/fhir-package.ts";

export type Expectation = "SHALL" | "SHOULD" | "MAY";

/** A search that the guide's CapabilityStatement asks of a server. */
export interface SearchRequirement {
  readonly type: string;
  /** One, or a combination that stands together in one search. */
  readonly parameters: readonly SearchParameter[];
  readonly expectation: Expectation;
}

/** `_include` or `_revinclude` of a type, as the guide writes it. */
export interface IncludeRequirement {
  readonly type: string;
  readonly kind: "_include" | "_revinclude";
  readonly path: string;
}

export interface Requirements {
  readonly searches: readonly SearchRequirement[];
  readonly includes: readonly IncludeRequirement[];
}

const conformance = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-";
const expectationUrl = `${conformance}expectation`;
const combinationUrl = `${conformance}search-parameter-combination`;

/** What an element's own extension says of how much it is asked for. */
export function expectationOf(
  element: { extension?: Extension[] } | null | undefined,
): Expectation {
  const found = element?.extension?.find(({ url }) => url === expectationUrl)?.valueCode;
  return found === "SHALL" || found === "SHOULD" ? found : "MAY";
}

/** Expectations that stand beside the values of a primitive list, in `_name`. */
export function listed(
  parameter: SearchParameter,
  name: "comparator" | "chain" | "modifier",
): readonly { readonly value: string; readonly expectation: Expectation }[] {
  const beside: unknown = Reflect.get(parameter, `_${name}`);
  const notes = Array.isArray(beside) ? (beside as ({ extension?: Extension[] } | null)[]) : [];
  return (parameter[name] ?? []).map((value, at) => ({
    value,
    expectation: expectationOf(notes[at]),
  }));
}

/** Whether a list of values joined by commas is asked for. */
export function orExpectation(parameter: SearchParameter): Expectation {
  return expectationOf(Reflect.get(parameter, "_multipleOr") as { extension?: Extension[] });
}

function all<T extends { resourceType: string }>(from: FhirPackage, type: T["resourceType"]): T[] {
  return [...from.values()].filter((each) => each["resourceType"] === type) as unknown as T[];
}

/** Searches and includes of the server that a guide describes, as its package says it. */
export function requirementsOf(guide: FhirPackage): Requirements {
  const statement = all<CapabilityStatement>(guide, "CapabilityStatement").find(
    ({ rest }) => rest?.[0]?.mode === "server",
  );
  const known = new Map(
    all<SearchParameter>(guide, "SearchParameter").flatMap((each) =>
      (each.base ?? []).map((base) => [`${base}.${each.code ?? ""}`, each] as const),
    ),
  );
  const resources = statement?.rest?.[0]?.resource ?? [];
  return {
    searches: resources.flatMap((resource) => searchesOf(resource, known)),
    includes: resources.flatMap(includesOf),
  };
}

function searchesOf(
  resource: CapabilityStatementRestResource,
  known: ReadonlyMap<string, SearchParameter>,
): readonly SearchRequirement[] {
  const type = resource.type ?? "";
  const parameter = (code: string): SearchParameter => {
    const found = known.get(`${type}.${code}`);
    if (found === undefined) throw new Error(`the package does not define ${type}.${code}`);
    return found;
  };
  const single = (resource.searchParam ?? []).map((each) => ({
    type,
    parameters: [parameter(each.name ?? "")],
    expectation: expectationOf(each),
  }));
  const combined = (resource.extension ?? [])
    .filter(({ url }) => url === combinationUrl)
    .map((combination) => ({
      type,
      parameters: (combination.extension ?? [])
        .filter(({ url }) => url === "required" || url === "optional")
        .map(({ valueString = "" }) => parameter(valueString)),
      expectation: expectationOf(combination),
    }));
  return [...single, ...combined].filter(({ expectation }) => expectation !== "MAY");
}

function includesOf(resource: CapabilityStatementRestResource): readonly IncludeRequirement[] {
  const type = resource.type ?? "";
  const of = (kind: IncludeRequirement["kind"], paths: readonly string[] = []) =>
    paths.map((path) => ({ type, kind, path }));
  return [
    ...of("_include", resource.searchInclude),
    ...of("_revinclude", resource.searchRevInclude),
  ];
}
