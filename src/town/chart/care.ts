import type { CarePlan, CareTeam, Goal } from "@medplum/fhirtypes";
import { dateText } from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import { labelled } from "#town/chart/visit.ts";
import { ailment } from "#town/codes/ailments.ts";
import { concept, hl7Concept } from "#town/codes/concept.ts";
import { callings } from "#town/codes/specialties.ts";
import { nurseSlot, slotOf } from "#town/staff.ts";

type Participants = CareTeam["participant"] & object;

/** Who looks after this person: the primary physician, a nurse, and specialists for what ails. */
export function writeCareTeam(chart: Chart): void {
  const { person, world } = chart;
  const staff = world.staffOf(person.household.district);
  const slots = [person.primary, nurseSlot(person.household.site), ...specialistSlots(chart)];
  const participant: Participants = slots.map((slot) => {
    const calling = callings[staff[slot]?.specialty ?? "familyMedicine"];
    const role =
      calling.nucc === undefined
        ? { text: calling.display }
        : concept("nucc", calling.nucc, calling.display);
    return { role: [role], member: chart.practitioner(slot), onBehalfOf: chart.organization };
  });
  chart.resources.push({
    resourceType: "CareTeam",
    id: chart.nextId("CareTeam"),
    status: person.death === null ? "active" : "inactive",
    name: `Care team of ${chart.patient.display ?? person.mrn}`,
    subject: chart.patient,
    period: { start: dateText(person.registered) },
    participant,
    managingOrganization: [chart.organization],
  } satisfies CareTeam);
}

function specialistSlots({ life, person }: Chart): readonly number[] {
  const found = new Set<number>();
  for (const { key } of life.problems) {
    const { specialist } = ailment(key);
    if (specialist !== undefined) found.add(slotOf(specialist));
  }
  if (life.pregnancies.some(({ birth }) => birth === null || birth > person.until - 365)) {
    found.add(slotOf("obstetrics"));
  }
  return [...found];
}

/** Plans of self-care for the conditions that have one, and a goal where a figure can be named. */
export function writeCarePlans(chart: Chart, conditions: ReadonlyMap<string, string>): void {
  for (const { key, noticed } of chart.life.problems) {
    const { plan, label } = ailment(key);
    const addresses = conditions.get(key);
    if (plan === undefined || addresses === undefined) continue;
    const goal = key === "diabetes" ? writeSugarGoal(chart, addresses) : null;
    chart.resources.push({
      resourceType: "CarePlan",
      id: chart.nextId("CarePlan"),
      ...labelled(label ?? null),
      status: chart.person.death === null ? "active" : "revoked",
      intent: "plan",
      category: [
        {
          coding: [
            {
              system: "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
              code: "assess-plan",
            },
          ],
        },
        concept("snomed", plan.snomed, plan.display),
      ],
      title: plan.display,
      subject: chart.patient,
      period: { start: dateText(Math.max(noticed, chart.person.registered)) },
      author: chart.practitioner(chart.person.primary),
      addresses: [{ reference: addresses }],
      ...(goal === null ? {} : { goal: [{ reference: goal }] }),
      activity: plan.steps.map((description) => ({
        detail: { status: "in-progress" as const, description },
      })),
    } satisfies CarePlan);
  }
}

function writeSugarGoal(chart: Chart, addresses: string): string {
  const goal: Goal = {
    resourceType: "Goal",
    id: chart.nextId("Goal"),
    lifecycleStatus: "active",
    achievementStatus: hl7Concept("goal-achievement", "in-progress", "In Progress"),
    description: { text: "HbA1c below 7 percent" },
    subject: chart.patient,
    startDate: dateText(chart.person.registered),
    target: [
      {
        measure: concept("loinc", "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
        detailQuantity: {
          value: 7,
          comparator: "<",
          unit: "%",
          system: "http://unitsofmeasure.org",
          code: "%",
        },
      },
    ],
    addresses: [{ reference: addresses }],
  };
  chart.resources.push(goal);
  return `Goal/${goal.id}`;
}
