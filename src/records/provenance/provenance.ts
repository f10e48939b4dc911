import type { Coding, Provenance, ProvenanceAgent } from "@medplum/fhirtypes";
import type { FoundEntry } from "#audit/queries.ts";
import { writtenBy } from "#audit/written.ts";
import type { AuditAction, AuditEntry } from "#core/audit-entry.ts";
import { toIso } from "#core/clock.ts";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import { identifierSystems } from "#records/audit-view/audit-event.ts";
import { labelCodings } from "#records/fhir/categories.ts";
import type { Maker } from "#records/names.ts";

const terminology = "http://terminology.hl7.org/CodeSystem";

/** HL7 v3 DataOperation. */
function operationOf(action: AuditAction, version: number | null): string {
  if (action === "create" || action === "delete") return action.toUpperCase();
  return action === "import" && version === 1 ? "CREATE" : "UPDATE";
}

const participant = (code: string, display: string): { coding: Coding[] } => ({
  coding: [{ system: `${terminology}/provenance-participant-type`, code, display }],
});

function personAgent({ actor }: AuditEntry, maker: Maker): ProvenanceAgent {
  const { name, practitioner } = maker;
  // Of a patient or her representative the account would tell more than the role that is named.
  const isOperator = actor?.startsWith("operator:") === true;
  return {
    type: participant("enterer", "Enterer"),
    who: {
      ...(practitioner === null ? {} : { reference: `Practitioner/${practitioner}` }),
      ...(isOperator ? { identifier: { system: identifierSystems.account, value: actor } } : {}),
      display: name,
    },
  };
}

function clientAgent({ client }: AuditEntry): readonly ProvenanceAgent[] {
  if (client === null) return [];
  const identifier = { system: identifierSystems.client, value: client };
  return [{ type: participant("assembler", "Assembler"), who: { identifier, display: client } }];
}

export function provenanceId({ logId, place }: Pick<FoundEntry, "logId" | "place">): ResourceId {
  const id = parseResourceId(`w-${logId}-${place.index}`);
  invariant(id !== null, "a place in a log makes an id");
  return id;
}

const provenanceIdText = /^w-([1-9][0-9]{0,8})-([0-9]{1,15})$/;

/** Where the entry behind a Provenance stands; null for an id that the log gives none. */
export function parseProvenanceId(
  id: string,
): { readonly logId: number; readonly seq: number } | null {
  const found = provenanceIdText.exec(id);
  return found === null ? null : { logId: Number(found[1]), seq: Number(found[2]) };
}

/**
 * What the log says of a write, as a FHIR R4 Provenance: which version of what, when, by whom, with
 * what, why. As sensitive as what was written: its labels stand in meta.security. Null for an entry
 * that says of no resource that it was written.
 */
export function provenanceOf(found: FoundEntry, maker: Maker): Provenance | null {
  const { entry } = found;
  const written = writtenBy(entry);
  if (written === null) return null;
  const { action, resourceVersion, purpose, categories, time } = entry;
  const version = resourceVersion === null ? "" : `/_history/${resourceVersion}`;
  const security = categories.flatMap((category) => labelCodings.get(category) ?? []);
  return {
    resourceType: "Provenance",
    id: provenanceId(found),
    meta: {
      versionId: "1",
      lastUpdated: toIso(time),
      ...(security.length === 0 ? {} : { security }),
    },
    target: [{ reference: `${written}${version}` }],
    recorded: toIso(time),
    ...(purpose === null
      ? {}
      : { reason: [{ coding: [{ system: `${terminology}/v3-ActReason`, code: purpose }] }] }),
    activity: {
      coding: [
        {
          system: `${terminology}/v3-DataOperation`,
          code: operationOf(action, resourceVersion),
        },
      ],
    },
    agent: [personAgent(entry, maker), ...clientAgent(entry)],
  };
}
