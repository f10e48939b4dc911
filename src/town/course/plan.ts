import { type Day, daysPerYear } from "#town/calendar.ts";
import { type AilmentKey, ailment, ailmentKeys } from "#town/codes/ailments.ts";
import { type Allergy, allergies, allergyList } from "#town/codes/allergies.ts";
import { type Episode, episodes } from "#town/codes/episodes.ts";
import type { Bout, Life, Pregnancy, Problem, Smoking, Treatment } from "#town/course/life.ts";
import { planVisits } from "#town/course/visits.ts";
import type { Dice } from "#town/dice.ts";
import { firstFamilyMembers } from "#town/first-family.ts";
import type { Person } from "#town/person.ts";
import type { World } from "#town/world.ts";

/** Draws the whole course of a person's health. */
export function planLife(world: World, person: Person): Life {
  const dice = world.dice("life", person.n);
  const problems = problemsOf(dice, person);
  const treatments = treatmentsOf(dice, problems, person.until);
  const pregnancies = pregnanciesOf(dice, person);
  const bouts = boutsOf(dice, person);
  return {
    problems,
    treatments,
    bouts,
    pregnancies,
    allergies: allergiesOf(dice, person),
    smoking: smokingOf(dice, person, problems),
    visits: planVisits({
      dice: world.dice("visits", person.n),
      person,
      problems,
      pregnancies,
      bouts,
    }),
  };
}

/** Illnesses of the family that demos show, by how many years ago they began. */
const told: ReadonlyMap<number, readonly (readonly [AilmentKey, number])[]> = new Map([
  [
    firstFamilyMembers.ana,
    [
      ["allergicRhinitis", 20],
      ["obesity", 12],
      ["hypertension", 8.4],
      ["diabetes", 7.2],
      ["hyperlipidaemia", 6.9],
    ],
  ],
  [firstFamilyMembers.luis, [["backPain", 6]]],
  [firstFamilyMembers.lucia, [["eczema", 10]]],
  [firstFamilyMembers.mateo, [["asthma", 4.5]]],
  [
    firstFamilyMembers.carmen,
    [
      ["hypertension", 21],
      ["osteoarthritis", 9],
      ["hypothyroidism", 14],
    ],
  ],
]);

function problemsOf(dice: Dice, person: Person): readonly Problem[] {
  const known = told.get(person.n);
  if (known !== undefined) {
    return known.map(([key, yearsAgo]) => {
      const onset = person.until - Math.floor(yearsAgo * daysPerYear);
      return { key, onset, noticed: onset + 30 };
    });
  }
  // Illnesses come together: who has one is likelier to have the next.
  const frailty = Math.min(Math.max(dice.near(1, 0.4), 0.25), 2.2);
  return ailmentKeys
    .map((key) => drawn(dice, person, key, frailty))
    .filter((problem) => problem !== null);
}

function drawn(dice: Dice, person: Person, key: AilmentKey, frailty: number): Problem | null {
  const { risk } = ailment(key);
  const chance = (person.sex === "female" ? risk.women : risk.men) * frailty;
  const at = dice.unit();
  const age = risk.from + dice.unit() * (risk.to - risk.from);
  const unnoticed = dice.between(5, 200);
  if (at >= chance) return null;
  const onset = person.birth + Math.floor(age * daysPerYear);
  return onset + unnoticed > person.until ? null : { key, onset, noticed: onset + unnoticed };
}

function treatmentsOf(dice: Dice, problems: readonly Problem[], until: Day): readonly Treatment[] {
  const found: Treatment[] = [];
  for (const problem of problems) {
    for (const rung of ailment(problem.key).ladder) {
      const start = problem.noticed + Math.floor(rung.afterDays * (0.7 + dice.unit() * 0.6));
      const needed = dice.chance(rung.share ?? 1);
      const taken = found.some(({ medicine }) => medicine === rung.medicine);
      if (needed && start <= until && !taken)
        found.push({ medicine: rung.medicine, reason: problem.key, start });
    }
  }
  return found;
}

const pregnancyDays = 280;

/** A mother bore the children who live with her; a few women are expecting. */
function pregnanciesOf(dice: Dice, person: Person): readonly Pregnancy[] {
  if (person.sex !== "female" || (person.kin !== "head" && person.kin !== "partner")) return [];
  const children = person.household.members.filter(({ kin }) => kin === "child");
  const past = children
    .filter(({ birth }) => birth > person.registered + 60 && birth <= person.until)
    .map(({ birth }) => {
      const due = birth + dice.between(-9, 14);
      return { start: due - pregnancyDays, due, birth };
    });
  const expecting = dice.chance(0.09) && person.age >= 20 && person.age <= 41;
  if (!expecting || person.death !== null || person.n === firstFamilyMembers.ana) return past;
  const due = person.until + dice.between(15, 220);
  const youngest = Math.max(...past.map(({ birth }) => birth), 0);
  return due - pregnancyDays < youngest + 180
    ? past
    : [...past, { start: due - pregnancyDays, due, birth: null }];
}

function boutsOf(dice: Dice, person: Person): readonly Bout[] {
  const found: Bout[] = [];
  let day = person.registered + dice.between(20, 500);
  while (day <= person.until) {
    const age = (day - person.birth) / daysPerYear;
    const episode = episodeFor(dice, person, age);
    if (age > 0.3) found.push({ episode, day, emergency: dice.chance(episode.emergency) });
    const wait = age < 12 ? 420 : age < 65 ? 900 : 700;
    day += Math.floor(wait * (0.3 + dice.unit() * 1.4));
  }
  return found;
}

function episodeFor(dice: Dice, person: Person, age: number): Episode {
  const stage = age < 15 ? 0 : age < 65 ? 1 : 2;
  const fitting = episodes.filter(
    ({ only, fromAge = 0 }) => age >= fromAge && (only === undefined || only === person.sex),
  );
  const at = dice.weighted(fitting.map(({ share }) => share[stage]));
  return fitting[at] ?? dice.pick(fitting);
}

function allergiesOf(dice: Dice, person: Person): readonly Allergy[] {
  if (person.n === firstFamilyMembers.ana) {
    return [allergies.penicillin, allergies.latex, allergies.fish, allergies.tree];
  }
  if (person.n === firstFamilyMembers.mateo) return [allergies.peanut, allergies.dander];
  return allergyList.filter(({ share }) => dice.chance(share / 100)).slice(0, 4);
}

function smokingOf(dice: Dice, person: Person, problems: readonly Problem[]): Smoking {
  const drawn = dice.unit();
  if (person.age < 15 || person.household.index === 0) return "never";
  if (problems.some(({ key }) => key === "copd")) return drawn < 0.3 ? "current" : "former";
  if (drawn < 0.12) return "current";
  return drawn < 0.3 ? "former" : "never";
}
