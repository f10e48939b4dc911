import type { CodeableConcept, Encounter } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { type Day, timeText } from "#town/calendar.ts";
import type { Chart, EncounterReference } from "#town/chart/chart.ts";
import { type Ailment, type Diagnosis, ailment } from "#town/codes/ailments.ts";
import {
  concept,
  hl7Coding,
  hl7Concept,
  type Sensitivity,
  sensitivityMeta,
} from "#town/codes/concept.ts";
import type { PlannedVisit, VisitReason } from "#town/course/life.ts";
import type { Dice } from "#town/dice.ts";
import { hospitalSite } from "#town/organisation-ids.ts";
import { slotOf } from "#town/staff.ts";

/** A visit as it took place: what every resource written in it shares. */
export interface Visit {
  readonly number: number;
  readonly day: Day;
  /** Minutes from midnight UTC at which it began, and how long it took. */
  readonly minute: number;
  readonly minutes: number;
  readonly reason: VisitReason;
  readonly slot: number;
  readonly site: number;
  readonly label: Sensitivity | null;
  readonly dice: Dice;
  readonly encounter: EncounterReference;
}

/** `meta` with the label, for what a labelled visit or condition brings forth; else nothing. */
export function labelled(label: Sensitivity | null): { meta?: ReturnType<typeof sensitivityMeta> } {
  return label === null ? {} : { meta: sensitivityMeta(label) };
}

export function openVisit(chart: Chart, planned: PlannedVisit, number: number): Visit {
  const { world, person } = chart;
  const dice = world.dice("visit", person.n, number);
  const kind = shapes[planned.reason.kind];
  const atHospital = kind === shapes.birth || isEmergency(planned.reason);
  const local = atHospital ? dice.between(0, 95) * 15 : 480 + dice.between(0, 34) * 15;
  return {
    number,
    day: planned.day,
    minute: local - chart.utcMinutes,
    minutes: kind === shapes.birth ? 2880 : dice.between(2, 6) * 10,
    reason: planned.reason,
    slot: slotFor(chart, planned),
    site: atHospital ? hospitalSite : person.household.site,
    label: labelOf(planned.reason),
    dice,
    encounter: { reference: `Encounter/${chart.nextId("Encounter")}` },
  };
}

function isEmergency(reason: VisitReason): boolean {
  return reason.kind === "bout" && reason.bout.emergency;
}

function labelOf(reason: VisitReason): Sensitivity | null {
  switch (reason.kind) {
    case "followUp":
    case "specialist":
      return (
        reason.problems.map(({ key }) => ailment(key).label).find((label) => label !== undefined) ??
        null
      );
    case "bout":
      return reason.bout.episode.label ?? null;
    case "first":
    case "wellness":
    case "wellChild":
    case "prenatal":
    case "birth":
      return null;
    default:
      return unreachable(reason);
  }
}

function slotFor(chart: Chart, { reason }: PlannedVisit): number {
  switch (reason.kind) {
    case "prenatal":
    case "birth":
      return slotOf("obstetrics");
    case "specialist":
      return slotOf(specialistOf(ailment(reason.problems[0].key)));
    case "bout":
      return reason.bout.emergency ? slotOf("emergencyMedicine") : chart.person.primary;
    case "first":
    case "wellness":
    case "wellChild":
    case "followUp":
      return chart.person.primary;
    default:
      return unreachable(reason);
  }
}

function specialistOf({ specialist }: Ailment): Ailment["specialist"] & string {
  return specialist ?? "internalMedicine";
}

interface Shape {
  readonly type: CodeableConcept;
  readonly classCode: readonly [code: string, display: string];
}

const ambulatory = ["AMB", "ambulatory"] as const;

const shapes: Readonly<Record<VisitReason["kind"], Shape>> = {
  first: {
    type: concept("snomed", "308335008", "Patient encounter procedure", "New patient visit"),
    classCode: ambulatory,
  },
  wellness: {
    type: concept("snomed", "162673000", "General examination of patient", "Yearly checkup"),
    classCode: ambulatory,
  },
  wellChild: { type: concept("snomed", "410620009", "Well child visit"), classCode: ambulatory },
  followUp: {
    type: concept("snomed", "390906007", "Follow-up encounter", "Follow-up visit"),
    classCode: ambulatory,
  },
  specialist: {
    type: concept("snomed", "11429006", "Consultation", "Specialist visit"),
    classCode: ambulatory,
  },
  bout: {
    type: concept("snomed", "185345009", "Encounter for symptom", "Sick visit"),
    classCode: ambulatory,
  },
  prenatal: { type: concept("snomed", "424619006", "Prenatal visit"), classCode: ambulatory },
  birth: {
    type: concept("snomed", "183460006", "Obstetric emergency hospital admission", "Childbirth"),
    classCode: ["IMP", "inpatient encounter"],
  },
};

const emergencyShape: Shape = {
  type: concept("snomed", "50849002", "Emergency room admission", "Emergency visit"),
  classCode: ["EMER", "emergency"],
};

/** Plain name of the kind of visit. */
export function visitName(reason: VisitReason): string {
  const { type } = isEmergency(reason) ? emergencyShape : shapes[reason.kind];
  return type.text ?? "Visit";
}

export function diagnosisConcept(diagnosis: Diagnosis): CodeableConcept {
  const base = concept("snomed", diagnosis.snomed, diagnosis.display, diagnosis.plain);
  if (diagnosis.icd10 === undefined) return base;
  const icd = concept("icd10", diagnosis.icd10, diagnosis.display);
  return { coding: [...(base.coding ?? []), ...(icd.coding ?? [])], text: diagnosis.plain };
}

export function writeEncounter(chart: Chart, visit: Visit): void {
  const shape = isEmergency(visit.reason) ? emergencyShape : shapes[visit.reason.kind];
  const [code, display] = shape.classCode;
  const video = visit.reason.kind === "followUp" && visit.dice.chance(0.12);
  const reasons = reasonsOf(visit.reason);
  chart.resources.push({
    resourceType: "Encounter",
    id: visit.encounter.reference.slice("Encounter/".length),
    ...labelled(visit.label),
    status: "finished",
    class: video
      ? hl7Coding("v3-ActCode", "VR", "virtual")
      : hl7Coding("v3-ActCode", code, display),
    type: [shape.type],
    subject: chart.patient,
    participant: [
      {
        type: [hl7Concept("v3-ParticipationType", "PPRF", "primary performer")],
        individual: chart.practitioner(visit.slot),
      },
    ],
    period: {
      start: timeText(visit.day, visit.minute),
      end: timeText(visit.day, visit.minute + visit.minutes),
    },
    ...(reasons.length === 0 ? {} : { reasonCode: reasons }),
    location: [{ location: chart.location(visit.site) }],
    serviceProvider: chart.organization,
  } satisfies Encounter);
}

function reasonsOf(reason: VisitReason): CodeableConcept[] {
  switch (reason.kind) {
    case "followUp":
    case "specialist":
      return reason.problems.map(({ key }) => diagnosisConcept(ailment(key)));
    case "bout":
      return [diagnosisConcept(reason.bout.episode)];
    case "prenatal":
    case "birth":
      return [concept("snomed", "77386006", "Pregnancy", "pregnancy")];
    case "first":
    case "wellness":
    case "wellChild":
      return [];
    default:
      return unreachable(reason);
  }
}
