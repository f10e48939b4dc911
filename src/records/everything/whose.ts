import { parseResourceType, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { invariant } from "#core/result.ts";
import { refused, type Refusal } from "#records/door.ts";
import { refuseById } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import { touch, type Visit } from "#records/visit.ts";

/** A record that the caller may take a copy of. */
export interface Whose {
  readonly kind: "whose";
  readonly patient: ResourceId;
  readonly compartment: Pseudonym;
  readonly inCareTeam: boolean;
  /** By which it is permitted. */
  readonly policies: readonly string[];
}

const patientType = parseResourceType("Patient");

/**
 * Whether the caller may take a copy of this patient's record. Refused like the reading of a
 * resource by its id: to a patient, another's record and none look alike.
 */
export async function findWhose(
  store: Pick<RecordStore, "find">,
  visit: Visit,
  patient: ResourceId,
): Promise<Whose | Refusal> {
  invariant(patientType !== null, "Patient is a type");
  const about = touch({ action: "export", compartment: null, type: "Patient", id: patient });
  const found = await store.find(patientType, patient, visit.asker);
  if (!found.ok) return refused(found.problem, about);
  const [row] = found.value.rows;
  if (row === undefined || row.compartment === "organisation")
    return refused(problem("not-found"), about);
  const { compartment, deleted } = row;
  const { inCareTeam } = found.value;
  const question = { action: "export", type: "Patient", labels: [], inCareTeam } as const;
  const verdict = visit.decide({ ...question, compartment });
  const named = { ...about, compartment };
  if (!verdict.permitted)
    return refuseById(visit, verdict.problem, { policies: verdict.policies, touch: named });
  return deleted
    ? refused(problem("gone"), named)
    : { kind: "whose", patient, compartment, inCareTeam, policies: verdict.policies };
}
