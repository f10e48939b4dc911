import type { AllergyIntolerance, Condition, MedicationRequest } from "@medplum/fhirtypes";
import { dateText, type Day, timeText } from "#town/calendar.ts";
import type { Chart, EncounterReference } from "#town/chart/chart.ts";
import { diagnosisConcept, labelled, type Visit } from "#town/chart/visit.ts";
import { ailment, type Diagnosis } from "#town/codes/ailments.ts";
import { concept, hl7Concept, type Sensitivity } from "#town/codes/concept.ts";
import { type MedicineKey, medicine } from "#town/codes/medicines.ts";
import type { Bout, Pregnancy } from "#town/course/life.ts";

interface Stated {
  readonly diagnosis: Diagnosis;
  readonly label: Sensitivity | null;
  readonly onset: Day;
  readonly recorded: Day;
  readonly ended: Day | null;
  readonly lasting: boolean;
  readonly encounter: EncounterReference | null;
}

function writeCondition(chart: Chart, stated: Stated): string {
  const over = stated.ended !== null && stated.ended <= chart.person.until;
  const condition: Condition = {
    resourceType: "Condition",
    id: chart.nextId("Condition"),
    ...labelled(stated.label),
    clinicalStatus: hl7Concept("condition-clinical", over ? "resolved" : "active"),
    verificationStatus: hl7Concept("condition-ver-status", "confirmed"),
    category: [
      stated.lasting
        ? hl7Concept("condition-category", "problem-list-item", "Problem List Item")
        : hl7Concept("condition-category", "encounter-diagnosis", "Encounter Diagnosis"),
    ],
    code: diagnosisConcept(stated.diagnosis),
    subject: chart.patient,
    ...(stated.encounter === null ? {} : { encounter: stated.encounter }),
    onsetDateTime: dateText(stated.onset),
    ...(over && stated.ended !== null ? { abatementDateTime: dateText(stated.ended) } : {}),
    recordedDate: dateText(stated.recorded),
  };
  chart.resources.push(condition);
  return `Condition/${condition.id}`;
}

interface Prescribed {
  readonly key: MedicineKey;
  readonly start: Day;
  /** Null while it is still taken. */
  readonly end: Day | null;
  readonly slot: number;
  readonly reason: string;
  readonly label: Sensitivity | null;
  readonly encounter: EncounterReference | null;
}

function writeMedicine(chart: Chart, prescribed: Prescribed): void {
  const drug = medicine(prescribed.key);
  const { times, perHours } = drug;
  const timing =
    times === undefined || perHours === undefined
      ? {}
      : { timing: { repeat: { frequency: times, period: perHours, periodUnit: "h" as const } } };
  chart.resources.push({
    resourceType: "MedicationRequest",
    id: chart.nextId("MedicationRequest"),
    ...labelled(prescribed.label),
    status: prescribed.end === null && chart.person.death === null ? "active" : "completed",
    intent: "order",
    medicationCodeableConcept: concept("rxnorm", drug.rxnorm, drug.display, drug.plain),
    subject: chart.patient,
    ...(prescribed.encounter === null ? {} : { encounter: prescribed.encounter }),
    authoredOn: timeText(prescribed.start, 1020),
    requester: chart.practitioner(prescribed.slot),
    reasonReference: [{ reference: prescribed.reason }],
    dosageInstruction: [
      {
        text: drug.directions,
        ...timing,
        ...(drug.asNeeded === true ? { asNeededBoolean: true } : {}),
      },
    ],
  } satisfies MedicationRequest);
}

/** Visits by day, to tell in which of them something was written down. */
export type VisitOn = (day: Day) => EncounterReference | null;

/** Lasting conditions with the medicines taken for them; gives each condition's reference. */
export function writeProblems(chart: Chart, visitOn: VisitOn): ReadonlyMap<string, string> {
  const written = new Map<string, string>();
  for (const { key, onset, noticed } of chart.life.problems) {
    const diagnosis = ailment(key);
    const label = diagnosis.label ?? null;
    const recorded = Math.max(noticed, chart.person.registered);
    const encounter = visitOn(recorded);
    const stated = { diagnosis, label, onset, recorded, ended: null, lasting: true, encounter };
    written.set(key, writeCondition(chart, stated));
  }
  for (const { medicine: key, reason, start: begun } of chart.life.treatments) {
    // Whoever came with a medicine had it renewed here, under this clinic's name.
    const start = Math.max(begun, chart.person.registered);
    const condition = written.get(reason);
    if (condition === undefined) continue;
    const label = ailment(reason).label ?? null;
    const slot = chart.person.primary;
    writeMedicine(chart, {
      key,
      start,
      end: null,
      slot,
      reason: condition,
      label,
      encounter: visitOn(start),
    });
  }
  return written;
}

export function writeBout(chart: Chart, visit: Visit, { episode }: Bout): void {
  const label = episode.label ?? null;
  const ended = visit.day + episode.days;
  const reason = writeCondition(chart, {
    diagnosis: episode,
    label,
    onset: visit.day - visit.dice.between(0, 3),
    recorded: visit.day,
    ended,
    lasting: false,
    encounter: visit.encounter,
  });
  const key = safeMedicine(chart, episode.medicine);
  if (key === undefined) return;
  const { slot, encounter } = visit;
  writeMedicine(chart, { key, start: visit.day, end: ended, slot, reason, label, encounter });
}

/** Nobody is given what the chart says they cannot take. */
function safeMedicine(chart: Chart, key: MedicineKey | undefined): MedicineKey | undefined {
  const avoids = (plain: string): boolean =>
    chart.life.allergies.some((allergy) => allergy.plain === plain);
  if (key === "amoxicillin250" && avoids("penicillin")) return "azithromycin250";
  if (key === "trimethoprimSulfa" && avoids("sulfa medicines"))
    return safeMedicine(chart, "amoxicillin250");
  return key;
}

const pregnant: Diagnosis = {
  snomed: "77386006",
  display: "Pregnancy",
  icd10: "Z33.1",
  plain: "pregnancy",
};

export function writePregnancy(chart: Chart, visit: Visit, { start, birth }: Pregnancy): void {
  writeCondition(chart, {
    diagnosis: pregnant,
    label: null,
    onset: start,
    recorded: visit.day,
    ended: birth,
    lasting: true,
    encounter: visit.encounter,
  });
}

const noKnownAllergy = concept("snomed", "716186003", "No known allergy");

export function writeAllergies(chart: Chart): void {
  const { life, person } = chart;
  if (life.allergies.length === 0) {
    chart.resources.push(allergyResource(chart, { code: noKnownAllergy }));
    return;
  }
  for (const { snomed, display, plain, category, severe, reactions } of life.allergies) {
    const severity = severe ? ("severe" as const) : ("mild" as const);
    const manifestation = reactions.map((reaction) =>
      concept("snomed", reaction.snomed, reaction.display),
    );
    chart.resources.push(
      allergyResource(chart, {
        type: "allergy",
        category: [category],
        criticality: severe ? "high" : "low",
        code: concept("snomed", snomed, display, plain),
        onsetDateTime: dateText(Math.max(person.birth, person.registered - 2500)).slice(0, 4),
        reaction: [{ manifestation, severity }],
      }),
    );
  }
}

function allergyResource(chart: Chart, own: Partial<AllergyIntolerance>): AllergyIntolerance {
  return {
    resourceType: "AllergyIntolerance",
    id: chart.nextId("AllergyIntolerance"),
    clinicalStatus: hl7Concept("allergyintolerance-clinical", "active", "Active"),
    verificationStatus: hl7Concept("allergyintolerance-verification", "confirmed", "Confirmed"),
    ...own,
    patient: chart.patient,
    recordedDate: dateText(chart.person.registered),
  };
}
