import type { Immunization } from "@medplum/fhirtypes";
import {
  ageOn,
  dateText,
  type Day,
  daysPerYear,
  monthOf,
  timeText,
  yearOf,
} from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import type { Visit } from "#town/chart/visit.ts";
import { concept } from "#town/codes/concept.ts";
import { childhoodSchedule, type VaccineKey, vaccines } from "#town/codes/vaccines.ts";

interface Dose {
  readonly key: VaccineKey;
  readonly day: Day;
}

function writeDose(chart: Chart, { key, day }: Dose, visit: Visit | null): void {
  const { cvx, display, plain } = vaccines[key];
  const occurrence = visit === null ? dateText(day) : timeText(day, visit.minute + 15);
  const lot = `${String.fromCharCode(65 + (day % 26))}${String(day % 9973).padStart(4, "0")}`;
  chart.resources.push({
    resourceType: "Immunization",
    id: chart.nextId("Immunization"),
    status: "completed",
    vaccineCode: concept("cvx", cvx, display, plain),
    patient: chart.patient,
    ...(visit === null ? {} : { encounter: visit.encounter }),
    occurrenceDateTime: occurrence,
    // A dose given elsewhere is known from what the family or a registry told.
    primarySource: visit !== null,
    ...(visit === null
      ? {}
      : { lotNumber: lot, performer: [{ actor: chart.practitioner(visit.slot) }] }),
  } satisfies Immunization);
}

function dueDay(birth: Day, month: number): Day {
  return birth + Math.floor((month * daysPerYear) / 12);
}

/** Doses that a child had before this clinic knew it, kept to the last few years of charts. */
export function writeEarlierDoses(chart: Chart): void {
  const { person } = chart;
  if (!person.minor) return;
  for (const { month, give } of childhoodSchedule) {
    const day = dueDay(person.birth, month);
    if (day >= person.registered || day > person.until) continue;
    for (const key of give) writeDose(chart, { key, day }, null);
  }
}

/** How long after its due day a scheduled dose is still given at the next visit for it. */
const catchUpDays = 320;

/** Gives at a visit what is due by then; `given` remembers across the visits of one chart. */
export function giveDueDoses(chart: Chart, visit: Visit, given: Set<string>): void {
  const { kind } = visit.reason;
  if (kind === "wellChild") giveScheduled(chart, visit, given);
  if (kind === "wellChild" || kind === "wellness" || kind === "followUp")
    giveFlu(chart, visit, given);
  if (kind === "wellness" || kind === "followUp") giveGrownUp(chart, visit, given);
}

function giveScheduled(chart: Chart, visit: Visit, given: Set<string>): void {
  for (const { month, give } of childhoodSchedule) {
    const due = dueDay(chart.person.birth, month);
    const inTime =
      due >= chart.person.registered && due <= visit.day && due + catchUpDays >= visit.day;
    if (!inTime || given.has(`month ${month}`)) continue;
    given.add(`month ${month}`);
    for (const key of give) writeDose(chart, { key, day: visit.day }, visit);
  }
}

function giveFlu(chart: Chart, visit: Visit, given: Set<string>): void {
  const month = monthOf(visit.day);
  const season = yearOf(visit.day) - (month <= 2 ? 1 : 0);
  if ((month > 2 && month < 9) || given.has(`flu ${season}`)) return;
  if (visit.day - chart.person.birth < 200 || !visit.dice.chance(0.62)) return;
  given.add(`flu ${season}`);
  writeDose(chart, { key: "influenza", day: visit.day }, visit);
}

const grownUpDoses: readonly { key: VaccineKey; fromAge: number; times: number; chance: number }[] =
  [
    { key: "tdap", fromAge: 19, times: 1, chance: 0.3 },
    { key: "covid19", fromAge: 18, times: 2, chance: 0.3 },
    { key: "zoster", fromAge: 50, times: 2, chance: 0.3 },
    { key: "pneumococcal20", fromAge: 65, times: 1, chance: 0.4 },
  ];

function giveGrownUp(chart: Chart, visit: Visit, given: Set<string>): void {
  const age = ageOn(chart.person.birth, visit.day);
  for (const { key, fromAge, times, chance } of grownUpDoses) {
    const next = Array.from({ length: times }, (_, at) => `${key} ${at}`).find(
      (dose) => !given.has(dose),
    );
    if (age < fromAge || next === undefined || !visit.dice.chance(chance)) continue;
    given.add(next);
    writeDose(chart, { key, day: visit.day }, visit);
  }
}
