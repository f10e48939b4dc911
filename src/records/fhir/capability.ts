import type {
  CapabilityStatement,
  CapabilityStatementRestResource,
  CapabilityStatementRestResourceInteraction,
} from "@medplum/fhirtypes";
import { toIso, type Instant } from "#core/clock.ts";
import { isStorable } from "#records/fhir/compartment.ts";
import { r4Alone, type Conformance } from "#records/fhir/conformance.ts";
import { resourceTypes } from "#records/fhir/definitions.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";

export interface CapabilityFacts {
  /** `https://host`. */
  readonly publicOrigin: string;
  /** The product's version. */
  readonly version: string;
  /** When this process began to answer so. */
  readonly since: Instant;
  readonly operations: readonly OperationFacts[];
  /** Packages add parameters. */
  readonly conformance?: Conformance;
}

/** What is told of an operation. */
export interface OperationFacts {
  /** Without the `$`. */
  readonly name: string;
  /** The canonical url of its OperationDefinition. */
  readonly definition: string;
  readonly levels: readonly ("system" | "type" | "instance")[];
  /** Types on which it may be called; null when on any. */
  readonly types: readonly string[] | null;
}

type Interaction = CapabilityStatementRestResourceInteraction["code"];

/** What can be done with the resources of every type. */
export const interactions = [
  "read",
  "vread",
  "history-instance",
  "history-type",
  "create",
  "update",
  "patch",
  "delete",
  "search-type",
] as const satisfies readonly Interaction[];

/** Of the log, which nobody writes by FHIR. */
export const logInteractions = ["read", "search-type"] as const satisfies readonly Interaction[];

/** What can be done with the resources of one type. */
export function interactionsOf(type: string): readonly Interaction[] {
  return type === "AuditEvent" ? logInteractions : interactions;
}

/** What can be asked of the server as a whole. */
export const systemInteractions = ["transaction", "batch", "history-system"] as const;

/** Types that can be stored, in the order of the alphabet. */
export function storableTypes(): readonly string[] {
  return [...resourceTypes()].filter(isStorable).sort();
}

/** `_revinclude` by type: each reference parameter whose definition says that it points there. */
function revIncludes(conformance: Conformance): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const source of storableTypes())
    for (const { code, kind, targets } of searchParameters(source, conformance).values())
      if (kind === "reference" && targets.length <= namedTargetsMax)
        for (const target of targets)
          found.set(target, [...(found.get(target) ?? []), `${source}:${code}`]);
  return found;
}

// A parameter that may point to nearly anything would be told of with every type.
const namedTargetsMax = 20;

interface Described {
  readonly operations: readonly OperationFacts[];
  readonly conformance: Conformance;
  readonly revIncludes: ReadonlyMap<string, readonly string[]>;
}

/** What the log shows is written by what is done, not by FHIR. */
function writing(isLog: boolean): Partial<CapabilityStatementRestResource> {
  return {
    versioning: "versioned-update",
    readHistory: !isLog,
    updateCreate: !isLog,
    conditionalCreate: !isLog,
    conditionalRead: isLog ? "not-supported" : "full-support",
    conditionalUpdate: !isLog,
    conditionalDelete: isLog ? "not-supported" : "single",
  };
}

function describeType(
  type: string,
  { operations, conformance, ...described }: Described,
): CapabilityStatementRestResource {
  const parameters = [...searchParameters(type, conformance).values()];
  const includes = parameters.filter(({ kind }) => kind === "reference");
  const back = described.revIncludes.get(type) ?? [];
  const own = operations.filter(
    ({ types, levels }) =>
      (types === null ? levels.includes("instance") : types.includes(type)) &&
      levels.some((level) => level !== "system"),
  );
  return {
    type: type as NonNullable<CapabilityStatementRestResource["type"]>,
    interaction: interactionsOf(type).map((code) => ({ code })),
    ...writing(type === "AuditEvent"),
    referencePolicy: ["literal", "logical", "local"],
    searchInclude: ["*", ...includes.map(({ code }) => `${type}:${code}`)],
    ...(back.length === 0 ? {} : { searchRevInclude: [...back] }),
    searchParam: parameters.map(({ code, kind, definition }) => ({
      name: code,
      definition,
      type: kind,
    })),
    ...(own.length === 0
      ? {}
      : { operation: own.map(({ name, definition }) => ({ name, definition })) }),
  };
}

const smartService = {
  coding: [
    {
      system: "http://terminology.hl7.org/CodeSystem/restful-security-service",
      code: "SMART-on-FHIR",
    },
  ],
  text: "SMART App Launch 2 with DPoP-bound access tokens (RFC 9449)",
};

/** SMART App Launch: where an app finds the endpoints, for those that read them here. */
function oauthUris(publicOrigin: string): {
  url: string;
  extension: { url: string; valueUri: string }[];
} {
  const endpoint = (url: string, path: string): { url: string; valueUri: string } => ({
    url,
    valueUri: publicOrigin + path,
  });
  return {
    url: "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
    extension: [
      endpoint("authorize", "/oauth/authorize"),
      endpoint("token", "/oauth/token"),
      endpoint("revoke", "/oauth/revoke"),
    ],
  };
}

/** What this server does, for `GET /fhir/metadata` (R4 §3.1.0.13), from the tables that do it. */
export function capabilityStatement(facts: CapabilityFacts): CapabilityStatement {
  const { publicOrigin, version, since, operations, conformance = r4Alone } = facts;
  const described = { operations, conformance, revIncludes: revIncludes(conformance) };
  const ofSystem = operations.filter(({ levels }) => levels.includes("system"));
  return {
    resourceType: "CapabilityStatement",
    status: "active",
    date: toIso(since),
    kind: "instance",
    software: { name: "Phylax", version },
    implementation: { description: "Phylax patient portal", url: `${publicOrigin}/fhir` },
    fhirVersion: "4.0.1",
    format: ["json", "application/fhir+json"],
    patchFormat: ["application/json-patch+json", "application/fhir+json"],
    rest: [
      {
        mode: "server",
        security: {
          cors: false,
          service: [smartService],
          extension: [oauthUris(publicOrigin)],
        },
        resource: storableTypes().map((type) => describeType(type, described)),
        interaction: systemInteractions.map((code) => ({ code })),
        ...(ofSystem.length === 0
          ? {}
          : { operation: ofSystem.map(({ name, definition }) => ({ name, definition })) }),
      },
    ],
  };
}
