import type { Json } from "./judge.ts";

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
];
