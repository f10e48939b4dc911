import type { Procedure } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { ageOn, timeText } from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import { labelled, type Visit } from "#town/chart/visit.ts";
import { ailment } from "#town/codes/ailments.ts";
import { concept } from "#town/codes/concept.ts";
import type { Specialty } from "#town/codes/specialties.ts";
import type { Dice } from "#town/dice.ts";
import { type ProcedureKey, procedures } from "#town/codes/episodes.ts";

function writeProcedure(chart: Chart, visit: Visit, key: ProcedureKey): void {
  const { snomed, display } = procedures[key];
  chart.resources.push({
    resourceType: "Procedure",
    id: chart.nextId("Procedure"),
    ...labelled(visit.label),
    status: "completed",
    code: concept("snomed", snomed, display),
    subject: chart.patient,
    encounter: visit.encounter,
    performedPeriod: {
      start: timeText(visit.day, visit.minute + 10),
      end: timeText(visit.day, visit.minute + 40),
    },
    performer: [{ actor: chart.practitioner(visit.slot) }],
  } satisfies Procedure);
}

/** Writes what was done at a visit; `done` remembers across the visits of one chart. */
export function writeProcedures(chart: Chart, visit: Visit, done: Set<string>): void {
  for (const key of proceduresOf(chart, visit, done)) writeProcedure(chart, visit, key);
}

function proceduresOf(chart: Chart, visit: Visit, done: Set<string>): readonly ProcedureKey[] {
  const { reason, dice } = visit;
  switch (reason.kind) {
    case "bout":
      return reason.bout.episode.procedure === undefined ? [] : [reason.bout.episode.procedure];
    case "birth":
      return [dice.chance(0.3) ? "caesarean" : "childbirth"];
    case "specialist":
      return specialistProcedure(ailment(reason.problems[0].key).specialist, dice);
    case "wellness":
      return screening(chart, visit, done);
    case "first":
    case "wellChild":
    case "followUp":
    case "prenatal":
      return [];
    default:
      return unreachable(reason);
  }
}

/** What specialists do beside talking, and how often. */
const specialistWork: Readonly<Partial<Record<Specialty, readonly [ProcedureKey, share: number]>>> =
  {
    cardiology: ["electrocardiogram", 1],
    pulmonology: ["spirometry", 1],
    psychiatry: ["counseling", 1],
    addictionMedicine: ["counseling", 1],
    oncology: ["chemotherapy", 0.3],
    orthopaedics: ["kneeReplacement", 0.12],
  };

function specialistProcedure(
  specialty: Specialty | undefined,
  dice: Dice,
): readonly ProcedureKey[] {
  const work = specialty === undefined ? undefined : specialistWork[specialty];
  return work !== undefined && dice.chance(work[1]) ? [work[0]] : [];
}

function screening(chart: Chart, visit: Visit, done: Set<string>): readonly ProcedureKey[] {
  const age = ageOn(chart.person.birth, visit.day);
  const found: ProcedureKey[] = [];
  if (age >= 45 && age <= 75 && !done.has("colonoscopy") && visit.dice.chance(0.3)) {
    done.add("colonoscopy");
    found.push("colonoscopy");
  }
  // Every second year.
  if (chart.person.sex === "female" && age >= 40 && age <= 74 && visit.number % 2 === 0) {
    found.push("mammography");
  }
  return found;
}
