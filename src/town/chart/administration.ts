import type { Appointment, Consent, Coverage, QuestionnaireResponse } from "@medplum/fhirtypes";
import { dateText, timeText, workday } from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import { hl7Concept, systems } from "#town/codes/concept.ts";
import type { Dice } from "#town/dice.ts";
import { townSystems } from "#town/organisation.ts";
import { intakeQuestionnaire, payerId } from "#town/organisation-ids.ts";
import type { Person } from "#town/person.ts";
import { payers } from "#town/words/payers.ts";

const medicare = 0;
const medicaid = 1;

function payerFor(dice: Dice, person: Person): number | null {
  if (person.age >= 65) return medicare;
  if (dice.chance(0.07) && person.household.index !== 0) return null;
  return dice.chance(person.minor ? 0.3 : 0.16) ? medicaid : dice.between(2, payers.length - 1);
}

export function writeCoverage(chart: Chart, dice: Dice): void {
  const { person } = chart;
  const at = payerFor(dice, person);
  const payer = at === null ? undefined : payers[at];
  if (at === null || payer === undefined) return;
  chart.resources.push({
    resourceType: "Coverage",
    id: chart.nextId("Coverage"),
    identifier: [{ system: townSystems.member, value: `M${String(700_000_000 + person.n)}` }],
    status: person.death === null ? "active" : "cancelled",
    type: hl7Concept("v3-ActCode", payer.code, payer.display),
    subscriberId: `M${String(700_000_000 + (person.household.members[0]?.n ?? person.n))}`,
    beneficiary: chart.patient,
    relationship: hl7Concept("subscriber-relationship", person.minor ? "child" : "self"),
    period: { start: dateText(person.registered) },
    payor: [{ reference: `Organization/${payerId(chart.world.id, at)}`, display: payer.name }],
  } satisfies Coverage);
}

/** 45 CFR 164.404(d)(1)(i) lets a notice go by e-mail only to those who agreed to it. */
export function writeEmailAgreement(chart: Chart): void {
  const { person } = chart;
  if (!person.agreedToEmail) return;
  chart.resources.push({
    resourceType: "Consent",
    id: chart.nextId("Consent"),
    status: person.death === null ? "active" : "inactive",
    scope: hl7Concept("consentscope", "patient-privacy", "Privacy Consent"),
    category: [
      {
        coding: [{ system: systems.loinc, code: "59284-0", display: "Consent Document" }],
        text: "Agreement to receive notices by e-mail",
      },
    ],
    patient: chart.patient,
    dateTime: dateText(person.registered),
    organization: [chart.organization],
    policyRule: { text: "45 CFR 164.404(d)(1)(i)" },
    provision: { type: "permit" },
  } satisfies Consent);
}

export function writeAppointments(chart: Chart, dice: Dice): void {
  const { person, life } = chart;
  if (person.death !== null) return;
  const first = person.n === 0;
  const expected =
    first || life.problems.length > 0 || life.pregnancies.some(({ birth }) => birth === null);
  if (dice.chance(0.12))
    writeAppointment(chart, dice, { inDays: -dice.between(20, 300), missed: true });
  if (first || dice.chance(expected ? 0.6 : 0.3)) {
    writeAppointment(chart, dice, { inDays: dice.between(2, 110), missed: false });
  }
}

function writeAppointment(
  chart: Chart,
  dice: Dice,
  { inDays, missed }: { inDays: number; missed: boolean },
): void {
  const { person } = chart;
  const day = workday(person.until + inDays);
  if (day < person.registered) return;
  const minute = 480 + dice.between(0, 34) * 15 - chart.utcMinutes;
  const status = missed ? ("noshow" as const) : ("booked" as const);
  const came = missed ? ("declined" as const) : ("accepted" as const);
  chart.resources.push({
    resourceType: "Appointment",
    id: chart.nextId("Appointment"),
    status,
    appointmentType: hl7Concept(
      "v2-0276",
      "FOLLOWUP",
      "A follow up visit from a previous appointment",
    ),
    description: person.minor
      ? "Checkup"
      : dice.pick(["Checkup", "Follow-up visit", "Blood pressure check", "Results"]),
    start: timeText(day, minute),
    end: timeText(day, minute + 30),
    minutesDuration: 30,
    participant: [
      { actor: chart.patient, status: came },
      { actor: chart.practitioner(person.primary), status: "accepted" },
      { actor: chart.location(person.household.site), status: "accepted" },
    ],
  } satisfies Appointment);
}

export function writeIntake(chart: Chart, dice: Dice): void {
  const { person } = chart;
  if (person.minor || !(person.n === 0 || dice.chance(0.2))) return;
  const language = person.language === "es" ? ["es", "Spanish"] : ["en", "English"];
  const [code = "en", display = "English"] = language;
  chart.resources.push({
    resourceType: "QuestionnaireResponse",
    id: chart.nextId("QuestionnaireResponse"),
    questionnaire: intakeQuestionnaire,
    status: "completed",
    subject: chart.patient,
    authored: timeText(person.registered, 900),
    source: chart.patient,
    item: [
      {
        linkId: "reason",
        answer: [
          {
            valueString: dice.pick([
              "A checkup",
              "New here and want a doctor",
              "My knee",
              "Refills",
            ]),
          },
        ],
      },
      { linkId: "changed", answer: [{ valueBoolean: dice.chance(0.4) }] },
      { linkId: "pain", answer: [{ valueInteger: dice.between(0, 5) }] },
      {
        linkId: "language",
        answer: [{ valueCoding: { system: systems.language, code, display } }],
      },
    ],
  } satisfies QuestionnaireResponse);
}
