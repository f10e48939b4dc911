import type { Resource } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { ageOn, dateText, type Day } from "#town/calendar.ts";
import {
  writeAppointments,
  writeCoverage,
  writeEmailAgreement,
  writeIntake,
} from "#town/chart/administration.ts";
import { writeCarePlans, writeCareTeam } from "#town/chart/care.ts";
import { type Chart, type EncounterReference, openChart } from "#town/chart/chart.ts";
import { writePatient, writeRelatives } from "#town/chart/demographics.ts";
import { writeNote } from "#town/chart/documents.ts";
import {
  writeDueDate,
  writeMeasure,
  writePanel,
  writeSmoking,
  writeVitals,
} from "#town/chart/observations.ts";
import { writeAllergies, writeBout, writePregnancy, writeProblems } from "#town/chart/problems.ts";
import { writeProcedures } from "#town/chart/procedures.ts";
import { giveDueDoses, writeEarlierDoses } from "#town/chart/vaccinations.ts";
import { openVisit, type Visit, writeEncounter } from "#town/chart/visit.ts";
import { ailment } from "#town/codes/ailments.ts";
import { type PanelKey, panels } from "#town/codes/measures.ts";
import { type Body, createBody, type Passing, type Readings } from "#town/course/body.ts";
import { planLife } from "#town/course/plan.ts";
import type { PlannedVisit, VisitReason } from "#town/course/life.ts";
import { personAt } from "#town/person.ts";
import type { World } from "#town/world.ts";

/** Writes the whole record of patient `n`; each resource stands after those that it refers to. */
export function writeCompartment(world: World, n: number): readonly Resource[] {
  const person = personAt(world, n);
  const life = planLife(world, person);
  const chart = openChart(world, person, life);
  const dice = world.dice("administration", n);
  writePatient(chart);
  writeRelatives(chart);
  writeCareTeam(chart);
  writeCoverage(chart, dice);
  writeEmailAgreement(chart);
  writeIntake(chart, dice);
  writeAllergies(chart);
  writeEarlierDoses(chart);
  writeCourse(chart, createBody(person, world.dice("body", n), life.problems, life.treatments));
  writeAppointments(chart, dice);
  return chart.resources;
}

/** What earlier visits of this chart have done already. */
interface Memory {
  readonly doses: Set<string>;
  readonly procedures: Set<string>;
  readonly panels: Map<PanelKey, Day>;
}

function writeCourse(chart: Chart, body: Body): void {
  const visits = chart.life.visits.map((planned, at) => openVisit(chart, planned, at));
  const byDay = new Map<Day, EncounterReference>();
  for (const visit of visits) {
    writeEncounter(chart, visit);
    byDay.set(visit.day, visit.encounter);
  }
  const conditions = writeProblems(chart, (day) => byDay.get(day) ?? null);
  writeCarePlans(chart, conditions);
  const memory: Memory = { doses: new Set(), procedures: new Set(), panels: new Map() };
  for (const visit of visits) writeVisit(chart, visit, body, memory);
}

function writeVisit(chart: Chart, visit: Visit, body: Body, memory: Memory): void {
  const readings = body(visit.day, visit.dice, passingOf(visit.reason, visit.day));
  writeVitals(chart, visit, readings);
  writeQuestions(chart, visit, readings);
  for (const key of panelsDue(chart, visit, memory)) {
    memory.panels.set(key, visit.day);
    writePanel(chart, visit, key, readings);
  }
  if (visit.reason.kind === "bout") writeBout(chart, visit, visit.reason.bout);
  if (visit.reason.kind === "prenatal" && visit.reason.first) {
    writePregnancy(chart, visit, visit.reason.pregnancy);
    writeDueDate(chart, visit, dateText(visit.reason.pregnancy.due));
  }
  giveDueDoses(chart, visit, memory.doses);
  writeProcedures(chart, visit, memory.procedures);
  if (wantsNote(visit)) writeNote(chart, visit, readings);
}

function passingOf(reason: VisitReason, day: Day): Passing {
  switch (reason.kind) {
    case "bout":
      return reason.bout.episode.effect;
    case "prenatal":
    case "birth":
      return { weight: Math.max(0, (day - reason.pregnancy.start) / 280) * 12, haemoglobin: -0.8 };
    case "first":
    case "wellness":
    case "wellChild":
    case "followUp":
    case "specialist":
      return {};
    default:
      return unreachable(reason);
  }
}

function writeQuestions(chart: Chart, visit: Visit, readings: Readings): void {
  const { kind } = visit.reason;
  const age = ageOn(chart.person.birth, visit.day);
  if (kind === "first" && age >= 15) writeSmoking(chart, visit);
  const low = chart.life.problems.some(({ key }) => key === "depression" || key === "anxiety");
  const asked = low ? kind === "followUp" || kind === "specialist" : kind === "wellness";
  if (!asked || age < 12 || (!low && !visit.dice.chance(0.35))) return;
  const label = low ? ("MH" as const) : null;
  writeMeasure(chart, visit, { key: "phq9", value: readings("phq9"), category: "survey", label });
}

function panelsDue(chart: Chart, visit: Visit, memory: Memory): readonly PanelKey[] {
  const wanted = new Set(panelsFor(chart, visit));
  return [...wanted].filter((key) => {
    const last = memory.panels.get(key);
    return last === undefined || visit.day - last >= panels[key].everyDays;
  });
}

function panelsFor(chart: Chart, { reason, day, dice }: Visit): readonly PanelKey[] {
  const age = ageOn(chart.person.birth, day);
  switch (reason.kind) {
    case "first":
    case "wellness":
      return age >= 40
        ? routinePanels(dice.unit())
        : age >= 20 && dice.chance(0.25)
          ? ["lipids"]
          : [];
    case "followUp":
    case "specialist":
      return reason.problems.flatMap(({ key }) => ailment(key).panels);
    case "bout":
      return reason.bout.emergency ? ["bloodCount"] : [];
    case "prenatal":
      return reason.first ? ["bloodCount"] : [];
    case "wellChild":
    case "birth":
      return [];
    default:
      return unreachable(reason);
  }
}

function routinePanels(unit: number): readonly PanelKey[] {
  if (unit < 0.35) return ["lipids", "metabolic"];
  return unit < 0.6 ? ["lipids"] : [];
}

function wantsNote({
  reason,
  dice,
}: {
  reason: PlannedVisit["reason"];
  dice: Visit["dice"];
}): boolean {
  return reason.kind === "followUp" || reason.kind === "first" || dice.chance(0.6);
}
