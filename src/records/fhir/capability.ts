import type {
  CapabilityStatement,
  CapabilityStatementRestResource,
  CapabilityStatementRestResourceInteraction,
} from "@medplum/fhirtypes";
import { toIso, type Instant } from "#core/clock.ts";
import { isStorable } from "#records/fhir/compartment.ts";
import { resourceTypes } from "#records/fhir/definitions.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";

export interface CapabilityFacts {
  /** `https://host`. */
  readonly publicOrigin: string;
  /** The product's version. */
  readonly version: string;
  /** When this process began to answer so. */
  readonly since: Instant;
}

type Interaction = CapabilityStatementRestResourceInteraction["code"];

/** What can be done with the resources of every type. */
export const interactions = [
  "read",
  "vread",
  "history-instance",
  "create",
  "update",
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
export const systemInteractions = ["transaction", "batch"] as const;

/** Types that can be stored, in the order of the alphabet. */
export function storableTypes(): readonly string[] {
  return [...resourceTypes()].filter(isStorable).sort();
}

function describeType(type: string): CapabilityStatementRestResource {
  const parameters = [...searchParameters(type).values()];
  const ofLog = type === "AuditEvent";
  return {
    type: type as NonNullable<CapabilityStatementRestResource["type"]>,
    interaction: interactionsOf(type).map((code) => ({ code })),
    versioning: "versioned-update",
    readHistory: !ofLog,
    updateCreate: !ofLog,
    conditionalCreate: false,
    conditionalRead: "not-supported",
    conditionalUpdate: false,
    conditionalDelete: "not-supported",
    referencePolicy: ["literal"],
    searchParam: parameters.map(({ code, kind, definition }) => ({
      name: code,
      definition,
      type: kind,
    })),
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
  const { publicOrigin, version, since } = facts;
  return {
    resourceType: "CapabilityStatement",
    status: "active",
    date: toIso(since),
    kind: "instance",
    software: { name: "Phylax", version },
    implementation: { description: "Phylax patient portal", url: `${publicOrigin}/fhir` },
    fhirVersion: "4.0.1",
    format: ["json", "application/fhir+json"],
    rest: [
      {
        mode: "server",
        security: {
          cors: false,
          service: [smartService],
          extension: [oauthUris(publicOrigin)],
        },
        resource: storableTypes().map(describeType),
        interaction: systemInteractions.map((code) => ({ code })),
      },
    ],
  };
}
