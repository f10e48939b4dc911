import type {
  AuditEvent,
  AuditEventAgent,
  AuditEventEntity,
  AuditEventEntityDetail,
} from "@medplum/fhirtypes";
import type { FoundEntry } from "#audit/queries.ts";
import type { AuditDecision, AuditEntry } from "#core/audit-entry.ts";
import { toIso } from "#core/clock.ts";
import type { ResourceId } from "#core/ids.ts";
import { dicom, eventKinds, type Coding, type EventKind } from "#records/audit-view/event-kinds.ts";
import type { Maker } from "#records/names.ts";

/**
 * For whom an entry is told: the patient herself sees who looked, and no addresses or reasons;
 * a privacy officer sees all of it; who keeps the system sees no patient but by pseudonym, and no
 * resource by its id.
 */
export type Audience = "patient" | "officer" | "system";

export interface EventFacts {
  readonly audience: Audience;
  /** FHIR id of the patient whose record an entry is about; null where it is not known. */
  readonly patientOf: (entry: AuditEntry) => ResourceId | null;
  readonly makerOf: (entry: AuditEntry) => Maker;
  readonly publicOrigin: string;
}

export const identifierSystems = {
  account: "urn:phylax:account",
  client: "urn:phylax:client",
  device: "urn:phylax:device",
  pseudonym: "urn:phylax:pseudonym",
} as const;

const balp = "https://profiles.ihe.net/ITI/BALP";
const terminology = "http://terminology.hl7.org/CodeSystem";
const participation = `${terminology}/v3-ParticipationType`;

const outcomes: Readonly<Record<AuditDecision, NonNullable<AuditEvent["outcome"]>>> = {
  permit: "0",
  // A refusal is no fault of the system, and whoever was refused may ask otherwise.
  deny: "4",
  error: "8",
};

const concept = (coding: Coding): { coding: Coding[] } => ({ coding: [coding] });

const identified = (
  system: string,
  value: string,
): { readonly identifier: { system: string; value: string } } => ({
  identifier: { system, value },
});

// BALP: what is looked at comes from the server and goes to the client, all else the other way.
function ends({ balp: profile }: EventKind): { readonly client: Coding; readonly server: Coding } {
  const source = { system: dicom, code: "110153", display: "Source Role ID" };
  const destination = { system: dicom, code: "110152", display: "Destination Role ID" };
  const isRead = profile === "Read";
  return { client: isRead ? destination : source, server: isRead ? source : destination };
}

function userAgent(entry: AuditEntry, kind: EventKind, facts: EventFacts): AuditEventAgent {
  const { name, practitioner } = facts.makerOf(entry);
  const isAuthor = kind.action === "C" || kind.action === "U";
  const type = isAuthor
    ? { system: participation, code: "AUT", display: "author" }
    : { system: participation, code: "IRCP", display: "information recipient" };
  const { actor, role, purpose, decision, reasons } = entry;
  const isWhole = facts.audience !== "patient";
  return {
    type: concept(type),
    who: {
      ...(practitioner === null ? {} : { reference: `Practitioner/${practitioner}` }),
      ...(isWhole && actor !== null ? identified(identifierSystems.account, actor) : {}),
      display: name,
    },
    name,
    requestor: true,
    ...(role === null ? {} : { role: [{ text: role }] }),
    ...(isWhole && decision === "permit" && reasons.length > 0
      ? { policy: reasons.map((id) => `urn:phylax:policy:${id}`) }
      : {}),
    ...(purpose === null
      ? {}
      : {
          purposeOfUse: [
            concept({ system: `${terminology}/v3-ActReason`, code: purpose, display: purpose }),
          ],
        }),
  };
}

function clientAgent(
  { client, address }: AuditEntry,
  kind: EventKind,
  { audience }: EventFacts,
): readonly AuditEventAgent[] {
  if (client === null) return [];
  const isShown = audience !== "patient" && address !== null;
  return [
    {
      type: concept(ends(kind).client),
      who: { ...identified(identifierSystems.client, client), display: client },
      requestor: false,
      ...(isShown ? { network: { address, type: "2" } } : {}),
    },
  ];
}

function serverAgent(kind: EventKind, { publicOrigin }: EventFacts): AuditEventAgent {
  return {
    type: concept(ends(kind).server),
    who: { display: "Phylax" },
    requestor: false,
    network: { address: publicOrigin, type: "5" },
  };
}

const entityType = (code: string, display: string): Coding => ({
  system: `${terminology}/audit-entity-type`,
  code,
  display,
});
const objectRole = (code: string, display: string): Coding => ({
  system: `${terminology}/object-role`,
  code,
  display,
});

function patientEntity(entry: AuditEntry, facts: EventFacts): readonly AuditEventEntity[] {
  const { patient } = entry;
  if (patient === null) return [];
  const id = facts.audience === "system" ? null : facts.patientOf(entry);
  return [
    {
      what:
        id !== null
          ? { reference: `Patient/${id}` }
          : { type: "Patient", ...identified(identifierSystems.pseudonym, patient) },
      type: entityType("1", "Person"),
      role: objectRole("1", "Patient"),
    },
  ];
}

function detailsOf({ categories, count }: AuditEntry): readonly AuditEventEntityDetail[] {
  const kinds = categories.map((category) => ({ type: "category", valueString: category }));
  return count > 0 ? [...kinds, { type: "count", valueString: String(count) }] : kinds;
}

function dataEntity(entry: AuditEntry, { audience }: EventFacts): readonly AuditEventEntity[] {
  const { resourceType, resourceId, resourceVersion, action } = entry;
  if (resourceType === null) return [];
  const details = detailsOf(entry);
  const detail = details.length === 0 ? {} : { detail: [...details] };
  const type = entityType("2", "System Object");
  if (resourceId === null || audience === "system") {
    const role =
      action === "search" ? objectRole("24", "Query") : objectRole("4", "Domain Resource");
    return [{ type, role, name: resourceType, ...detail }];
  }
  const version = resourceVersion === null ? "" : `/_history/${resourceVersion}`;
  const what = { reference: `${resourceType}/${resourceId}${version}` };
  return [{ what, type, role: objectRole("4", "Domain Resource"), ...detail }];
}

function requestEntity({ requestId }: AuditEntry): readonly AuditEventEntity[] {
  if (requestId === null) return [];
  const type = {
    system: `${balp}/CodeSystem/BasicAuditEntityType`,
    code: "XrequestId",
    display: "X-Request-Id",
  };
  return [{ what: { identifier: { value: requestId } }, type }];
}

/** The BALP profile that this entry follows as it is told; a search follows none: the log keeps no terms. */
function profileOf(entry: AuditEntry, kind: EventKind, facts: EventFacts): string | null {
  const { client, address, patient, resourceId, actor } = entry;
  if (kind.balp === null || entry.decision !== "permit") return null;
  if (client === null || address === null || actor === null || resourceId === null) return null;
  if (facts.audience !== "officer" || (patient !== null && facts.patientOf(entry) === null))
    return null;
  const whose = patient === null ? "" : "Patient";
  return `${balp}/StructureDefinition/IHE.BasicAudit.${whose}${kind.balp}`;
}

export const eventId = ({ logId, place }: Pick<FoundEntry, "logId" | "place">): string =>
  `e-${logId}-${place.index}`;

const eventIdText = /^e-([1-9][0-9]{0,8})-([0-9]{1,15})$/;

/** Where the entry of an AuditEvent stands; null for an id that none has. */
export function parseEventId(id: string): { readonly logId: number; readonly seq: number } | null {
  const found = eventIdText.exec(id);
  return found === null ? null : { logId: Number(found[1]), seq: Number(found[2]) };
}

/** An entry of the log as a FHIR R4 AuditEvent, after IHE Basic Audit Log Patterns (BALP). */
export function auditEvent(found: FoundEntry, facts: EventFacts): AuditEvent {
  const { entry, place } = found;
  const kind = eventKinds[entry.action];
  const profile = profileOf(entry, kind, facts);
  const entities = [
    ...patientEntity(entry, facts),
    ...dataEntity(entry, facts),
    ...requestEntity(entry),
  ];
  const reasons = [...(entry.signal === null ? [] : [entry.signal]), ...entry.reasons];
  const isExplained = facts.audience !== "patient" && entry.decision !== "permit";
  return {
    resourceType: "AuditEvent",
    id: eventId(found),
    meta: {
      versionId: "1",
      lastUpdated: toIso(entry.time),
      ...(profile === null ? {} : { profile: [profile] }),
    },
    type: kind.type,
    subtype: [kind.subtype],
    action: kind.action,
    recorded: toIso(entry.time),
    outcome: outcomes[entry.decision],
    ...(isExplained && reasons.length > 0 ? { outcomeDesc: reasons.join(", ") } : {}),
    agent: [
      userAgent(entry, kind, facts),
      ...clientAgent(entry, kind, facts),
      serverAgent(kind, facts),
    ],
    source: {
      site: facts.publicOrigin,
      observer: { display: place.origin },
      type: [
        {
          system: `${terminology}/security-source-type`,
          code: "4",
          display: "Application Server",
        },
      ],
    },
    ...(entities.length === 0 ? {} : { entity: entities }),
  };
}
