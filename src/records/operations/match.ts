import { matchPatients } from "#records/matching/match.ts";
import type { Operation } from "#records/operations/operation.ts";

/** R4 Patient-match. */
export const match: Operation = {
  name: "match",
  definition: "http://hl7.org/fhir/OperationDefinition/Patient-match",
  levels: ["type"],
  types: ["Patient"],
  deed: (deps, { request, method }) =>
    method === "POST"
      ? { kind: "guarded", action: "match", interaction: matchPatients(deps, request) }
      : null,
};
