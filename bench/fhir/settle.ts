import { createTown, type Town } from "#town/town.ts";
import { practitioner, type BenchWorld } from "./world.ts";

const asOf = "2026-10-01";
/** Patients whom the clinician cares for, spread over the whole town. */
const panelPatients = 300;
const batchLines = 800;
const batchesInFlight = 2;

type Resource = Readonly<Record<string, unknown>> & {
  readonly resourceType: string;
  readonly id: string;
};

/** One patient of the clinician's, and what is asked of her record. */
export interface Panelist {
  readonly patient: string;
  /** Search parameters that name her: family and given name. */
  readonly named: string;
  /** Paths of her resources. */
  readonly paths: readonly string[];
  /** Codes of her Observations, as `system|code`. */
  readonly codes: readonly string[];
}

export interface Settled {
  readonly resources: number;
  readonly panel: readonly Panelist[];
}

const teamOf = (patient: string): object => ({
  resourceType: "CareTeam",
  id: `bench-${patient}`.slice(0, 64),
  status: "active",
  subject: { reference: `Patient/${patient}` },
  participant: [{ member: { reference: `Practitioner/${practitioner}` } }],
});

function codeOf({ code }: Resource): string | null {
  const coding = (code as { coding?: { system?: string; code?: string }[] } | undefined)?.coding;
  const [first] = coding ?? [];
  return first?.system === undefined ? null : `${first.system}|${first.code ?? ""}`;
}

function panelistOf(resources: readonly Resource[]): Panelist {
  const patient = resources.find(({ resourceType }) => resourceType === "Patient");
  const names = patient?.["name"] as { family?: string; given?: string[] }[] | undefined;
  const { family = "", given: [given = ""] = [] } = names?.[0] ?? {};
  const observations = resources.filter(({ resourceType }) => resourceType === "Observation");
  return {
    patient: patient?.id ?? "",
    named: new URLSearchParams({ family, given }).toString(),
    paths: resources.map(({ resourceType, id }) => `/fhir/${resourceType}/${id}`),
    codes: [...new Set(observations.flatMap((each) => codeOf(each) ?? []))],
  };
}

/** Patients enough for so many resources, counting on what the first of them have. */
function townOf(resources: number): Town {
  const sample = createTown({ seed: 9, patients: 100, asOf });
  let counted = 0;
  for (const each of sample.patients()) counted += each.length;
  return createTown({ seed: 9, patients: Math.ceil(resources / (counted / 100)), asOf });
}

/** Brings in a town of about so many resources, and puts the clinician into care teams all over it. */
export async function settle(world: BenchWorld, wanted: number): Promise<Settled> {
  const town = townOf(wanted);
  const every = Math.max(1, Math.floor(town.size / panelPatients));
  const panel: Panelist[] = [];
  let resources = 0;
  const batches = batchesOf(town, (at, of) => {
    if (at % every !== 0 || panel.length >= panelPatients) return [];
    const panelist = panelistOf(of);
    panel.push(panelist);
    return [teamOf(panelist.patient)];
  });
  await world.bring([...town.organisation()] as object[]);
  const worker = async (): Promise<void> => {
    for (const batch of batches) {
      await world.bring(batch);
      resources += batch.length;
    }
  };
  await Promise.all(Array.from({ length: batchesInFlight }, worker));
  return { resources, panel };
}

/** Whole patients only: batches overtake each other, and nothing may come before its Patient. */
function* batchesOf(
  town: Town,
  more: (at: number, of: readonly Resource[]) => readonly object[],
): Generator<readonly object[]> {
  let batch: object[] = [];
  let at = 0;
  for (const patient of town.patients()) {
    const resources = patient as unknown as readonly Resource[];
    batch.push(...resources, ...more(at, resources));
    at += 1;
    if (batch.length < batchLines) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
