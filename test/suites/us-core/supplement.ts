import { isJson, type Json } from "./judge.ts";

/** What neither the guide's examples nor the generated patients hold, so that each search finds something. */
export const supplement: readonly Json[] = [
  {
    resourceType: "Encounter",
    id: "with-identifier",
    identifier: [{ system: "https://example.org/visits", value: "V-2291" }],
    status: "finished",
    class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
    subject: { reference: "Patient/example" },
  },
  {
    resourceType: "Endpoint",
    id: "inbox",
    status: "active",
    connectionType: { code: "direct-project" },
    payloadType: [{ text: "any" }],
    address: "mailto:desk@example.org",
  },
  {
    resourceType: "PractitionerRole",
    id: "with-endpoint",
    practitioner: { reference: "Practitioner/practitioner-1" },
    endpoint: [{ reference: "Endpoint/inbox" }],
  },
  {
    resourceType: "CareTeam",
    id: "with-role",
    status: "active",
    subject: { reference: "Patient/example" },
    participant: [{ member: { reference: "PractitionerRole/with-endpoint" } }],
  },
  { resourceType: "Medication", id: "tablet", code: { text: "A tablet" } },
  {
    resourceType: "MedicationDispense",
    id: "of-tablet",
    status: "completed",
    medicationReference: { reference: "Medication/tablet" },
    subject: { reference: "Patient/example" },
  },
];

/** Whose a resource is, as it says itself. */
const patientOf = (resource: Json): unknown =>
  resource["subject"] ?? resource["patient"] ?? resource["beneficiary"];

const isAPatient = (value: unknown): boolean =>
  isJson(value) && String(value["reference"]).startsWith("Patient/");

/** A Provenance of one resource of each of these types, and of the record that it stands in. */
export function provenancesOf(types: readonly string[], stored: readonly Json[]): readonly Json[] {
  return types.flatMap((type) => {
    const target = stored.find(
      (each) =>
        each["resourceType"] === type && (type === "Patient" || isAPatient(patientOf(each))),
    );
    if (target === undefined) return [];
    return [
      {
        resourceType: "Provenance",
        id: `of-${type.toLowerCase()}`,
        target: [
          { reference: `${type}/${String(target["id"])}` },
          ...(type === "Patient" ? [] : [patientOf(target)]),
        ],
        recorded: "2026-09-30T10:00:00Z",
        agent: [{ who: { display: "A clerk" } }],
      },
    ];
  });
}
