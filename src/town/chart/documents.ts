import type { CodeableConcept, DocumentReference } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { ageOn, dateText, timeText } from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import { labelled, type Visit, visitName } from "#town/chart/visit.ts";
import { ailment } from "#town/codes/ailments.ts";
import { concept } from "#town/codes/concept.ts";
import { medicine } from "#town/codes/medicines.ts";
import type { Readings } from "#town/course/body.ts";
import type { VisitReason } from "#town/course/life.ts";
import type { Dice } from "#town/dice.ts";
import { spokenName } from "#town/person.ts";
import { noteWords } from "#town/words/notes.ts";

const progressNote = concept("loinc", "11506-3", "Progress note");

const documentTypes: Readonly<Record<VisitReason["kind"], CodeableConcept>> = {
  first: concept("loinc", "34117-2", "History and physical note"),
  specialist: concept("loinc", "11488-4", "Consult note"),
  birth: concept("loinc", "18842-5", "Discharge summary"),
  wellness: progressNote,
  wellChild: progressNote,
  followUp: progressNote,
  bout: progressNote,
  prenatal: progressNote,
};

const category = {
  coding: [
    {
      system: "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
      code: "clinical-note",
      display: "Clinical Note",
    },
  ],
};

export function writeNote(chart: Chart, visit: Visit, readings: Readings): void {
  const text = noteText(chart, visit, readings);
  const title = `${visitName(visit.reason)}, ${dateText(visit.day)}`;
  const author = chart.practitioner(visit.slot);
  const written = timeText(visit.day, visit.minute + visit.minutes + 20);
  chart.resources.push({
    resourceType: "DocumentReference",
    id: chart.nextId("DocumentReference"),
    ...labelled(visit.label),
    status: "current",
    docStatus: "final",
    type: documentTypes[visit.reason.kind],
    category: [category],
    subject: chart.patient,
    date: written,
    author: [author],
    custodian: chart.organization,
    content: [
      {
        attachment: {
          contentType: "text/plain; charset=utf-8",
          data: Buffer.from(text, "utf8").toString("base64"),
          title,
          creation: written,
        },
      },
    ],
    context: {
      encounter: [visit.encounter],
      period: { start: timeText(visit.day, visit.minute) },
    },
  } satisfies DocumentReference);
}

function noteText(chart: Chart, visit: Visit, readings: Readings): string {
  const { person } = chart;
  const age = ageOn(person.birth, visit.day);
  const years = age === 0 ? "under one year old" : `${age} years old`;
  const head = [
    `${visitName(visit.reason)} on ${dateText(visit.day)}`,
    `${spokenName(person)}, ${years}, ${person.mrn}`,
    `Seen by ${chart.practitioner(visit.slot).display}`,
  ];
  return [
    head.join("\n"),
    `What brings ${person.sex === "female" ? "her" : "him"} in\n${storyOf(visit, age)}`,
    `Findings\n${findingsOf(visit, readings, age)}`,
    `Plan\n${planOf(chart, visit)} ${visit.dice.pick(noteWords.closing)}`,
    "",
  ].join("\n\n");
}

function storyOf({ reason, dice }: Visit, age: number): string {
  switch (reason.kind) {
    case "first":
      return `New to the clinic. ${dice.pick(noteWords.feelingWell)} ${dice.pick(noteWords.home)}`;
    case "wellness":
      return `${dice.pick(noteWords.feelingWell)} ${dice.pick(noteWords.home)}`;
    case "wellChild":
      return dice.pick(noteWords.child);
    case "followUp":
    case "specialist":
      return reason.problems.map(({ key }) => followUpSentence(dice, key)).join(" ");
    case "bout":
      return `Comes with ${reason.bout.episode.complaint}.${age < 16 ? " A parent is present." : ""}`;
    case "prenatal":
      return dice.pick(noteWords.prenatal);
    case "birth":
      return dice.pick(noteWords.birth);
    default:
      return unreachable(reason);
  }
}

function followUpSentence(dice: Dice, key: Parameters<typeof ailment>[0]): string {
  const { plain, talk } = ailment(key);
  return `Here about ${plain}: ${dice.pick(talk)}.`;
}

function findingsOf(visit: Visit, readings: Readings, age: number): string {
  const pressure = `Blood pressure ${readings("systolic")}/${readings("diastolic")} mmHg, `;
  const weight = `weight ${readings("weight").toFixed(1)} kg.`;
  const start = age >= 12 ? `${pressure}${weight}` : `W${weight.slice(1)}`;
  const fever =
    visit.reason.kind === "bout" ? ` Temperature ${readings("temperature").toFixed(1)} °C.` : "";
  return `${start}${fever} ${visit.dice.pick(noteWords.exam)}`;
}

function planOf(chart: Chart, visit: Visit): string {
  const { reason, day } = visit;
  switch (reason.kind) {
    case "followUp":
    case "specialist":
      return reason.problems.map((problem) => medicinePlan(chart, problem.key, day)).join(" ");
    case "bout":
      return `${capital(reason.bout.episode.plain)}. Rest and fluids, and back if not better in a week.`;
    case "prenatal":
      return "All is as it should be. Next visit as scheduled.";
    case "birth":
      return "Home with the child. Visit in two weeks.";
    case "first":
    case "wellness":
    case "wellChild":
      return "Carry on as before. Next checkup in a year.";
    default:
      return unreachable(reason);
  }
}

function medicinePlan(chart: Chart, key: string, day: number): string {
  const taken = chart.life.treatments
    .filter(({ reason, start }) => reason === key && start <= day + 14)
    .map(({ medicine: taken }) => medicine(taken).plain);
  return taken.length === 0
    ? "Watch and return in some months."
    : `Continue ${taken.join(" and ")}; blood work as ordered.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
