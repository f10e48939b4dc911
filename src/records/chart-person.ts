import { parseResourceType, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { problem } from "#core/problem.ts";
import { invariant } from "#core/result.ts";
import { refused, type Refusal } from "#records/door.ts";
import { nameIn } from "#records/names.ts";
import { openRows, type OpeningDeps } from "#records/opening.ts";
import { refuseUnopened } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import type { Touch, Visit } from "#records/visit.ts";

/** Whose chart it is, for an officer who may see no more of the record than this. */
export interface ChartPerson {
  readonly name: string | null;
  readonly birthDate: string | null;
}

interface ChartPersonDeps extends OpeningDeps {
  readonly store: Pick<RecordStore, "find">;
}

const patientType = parseResourceType("Patient");

function birthDateIn(value: unknown): string | null {
  const birthDate = isRecord(value) ? value["birthDate"] : undefined;
  return typeof birthDate === "string" ? birthDate : null;
}

/**
 * The person of a chart as the record has her; the caller must have been permitted what needs it.
 * Refused as "not-found" when there is no such Patient, and as opening is.
 */
export async function chartPerson(
  deps: ChartPersonDeps,
  visit: Visit,
  { patient, about }: { readonly patient: ResourceId; readonly about: Touch },
): Promise<ChartPerson | Refusal> {
  invariant(patientType !== null, "Patient is a type");
  const found = await deps.store.find(patientType, patient, visit.asker);
  if (!found.ok) return refused(found.problem, about);
  const opened = await openRows(found.value.rows, deps, visit);
  if (!opened.ok) return refuseUnopened(opened, about);
  const [row] = opened.value;
  if (row === undefined || row.value === null) return refused(problem("not-found"), about);
  return { name: nameIn(row.value), birthDate: birthDateIn(row.value) };
}
