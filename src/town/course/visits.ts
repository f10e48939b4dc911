import { ageOn, type Day, daysPerYear, workday } from "#town/calendar.ts";
import { ailment } from "#town/codes/ailments.ts";
import type { Bout, PlannedVisit, Pregnancy, Problem } from "#town/course/life.ts";
import type { Dice } from "#town/dice.ts";
import type { Person } from "#town/person.ts";

export interface VisitNeeds {
  readonly dice: Dice;
  readonly person: Person;
  readonly problems: readonly Problem[];
  readonly pregnancies: readonly Pregnancy[];
  readonly bouts: readonly Bout[];
}

/** A chart holds at most so many visits; the latest are kept. */
export const visitsMax = 90;

/** A follow-up that falls so close to another is done in the same visit. */
const sameVisitDays = 45;

/** All visits of a person by day, at most one a day. */
export function planVisits(needs: VisitNeeds): readonly PlannedVisit[] {
  const { person } = needs;
  const routine = person.minor ? wellChild(needs) : wellness(needs);
  const planned = [
    ...firstVisit(person),
    ...routine,
    ...merged(followUps(needs), routine),
    ...needs.pregnancies.flatMap((pregnancy) => maternity(pregnancy)),
    ...needs.bouts.map((bout): PlannedVisit => ({ day: bout.day, reason: { kind: "bout", bout } })),
  ];
  const inReach = planned
    .map((visit) => (mayFallOnAnyDay(visit) ? visit : { ...visit, day: workday(visit.day) }))
    .filter(({ day }) => day >= person.registered && day <= person.until);
  return onePerDay(inReach.sort((a, b) => a.day - b.day)).slice(-visitsMax);
}

function mayFallOnAnyDay({ reason }: PlannedVisit): boolean {
  return reason.kind === "birth" || (reason.kind === "bout" && reason.bout.emergency);
}

function onePerDay(sorted: readonly PlannedVisit[]): readonly PlannedVisit[] {
  return sorted.filter((visit, at) => at === 0 || visit.day !== sorted[at - 1]?.day);
}

function firstVisit(person: Person): readonly PlannedVisit[] {
  const newborn = person.registered === person.birth;
  return newborn ? [] : [{ day: person.registered, reason: { kind: "first" } }];
}

const wellChildMonths = [0.2, 2, 4, 6, 9, 12, 15, 18, 24, 30];

function wellChild({ dice, person }: VisitNeeds): readonly PlannedVisit[] {
  const years = Array.from({ length: 15 }, (_, year) => (year + 3) * 12 + 1);
  return [...wellChildMonths, ...years]
    .filter((month) => month < 24 || dice.chance(0.82))
    .map((month) => ({
      day: person.birth + Math.floor((month * daysPerYear) / 12) + dice.between(0, 12),
      reason: { kind: "wellChild" },
    }));
}

function wellness({ dice, person }: VisitNeeds): readonly PlannedVisit[] {
  const found: PlannedVisit[] = [];
  let day = person.registered + dice.between(200, 420);
  while (day <= person.until) {
    const child = ageOn(person.birth, day) < 18;
    found.push({ day, reason: { kind: child ? "wellChild" : "wellness" } });
    day += dice.between(340, 460) * (dice.chance(0.16) ? 2 : 1);
  }
  return found;
}

interface Due {
  readonly day: Day;
  readonly problem: Problem;
  readonly specialist: boolean;
}

function followUps({ dice, person, problems }: VisitNeeds): readonly Due[] {
  const found: Due[] = [];
  for (const problem of problems) {
    const { visitsPerYear, specialist } = ailment(problem.key);
    const gap = daysPerYear / visitsPerYear;
    // The visit at which it was noticed is of the same kind as those that follow it.
    let day = Math.max(problem.noticed, person.registered + dice.between(10, 120));
    for (let count = 0; day <= person.until; count += 1) {
      found.push({ day, problem, specialist: specialist !== undefined && count % 3 === 1 });
      day += Math.floor(gap * (0.75 + dice.unit() * 0.5));
    }
  }
  return found.sort((a, b) => a.day - b.day);
}

function merged(due: readonly Due[], routine: readonly PlannedVisit[]): readonly PlannedVisit[] {
  const visits: PlannedVisit[] = [];
  let open: { day: Day; problems: Problem[] } | null = null;
  for (const { day, problem, specialist } of due) {
    if (specialist) {
      visits.push({ day, reason: { kind: "specialist", problems: [problem] } });
    } else if (open !== null && day - open.day <= sameVisitDays) {
      if (!open.problems.includes(problem)) open.problems.push(problem);
    } else if (
      problem.noticed === day ||
      !routine.some((visit) => Math.abs(visit.day - day) <= sameVisitDays)
    ) {
      open = { day, problems: [problem] };
      visits.push({ day, reason: { kind: "followUp", problems: open.problems } });
    }
  }
  return visits;
}

const prenatalWeeks = [8, 12, 16, 20, 24, 28, 32, 36, 38];

function maternity(pregnancy: Pregnancy): readonly PlannedVisit[] {
  const before = pregnancy.birth ?? Number.POSITIVE_INFINITY;
  const prenatal = prenatalWeeks
    .map((week): PlannedVisit => {
      const reason = { kind: "prenatal" as const, pregnancy, first: week === prenatalWeeks[0] };
      return { day: pregnancy.start + week * 7, reason };
    })
    .filter(({ day }) => day < before - 2);
  if (pregnancy.birth === null) return prenatal;
  return [...prenatal, { day: pregnancy.birth, reason: { kind: "birth", pregnancy } }];
}
