import { invariant } from "#core/result.ts";
import { ageOn, type Day, daysPerYear } from "#town/calendar.ts";
import type { Dice } from "#town/dice.ts";
import {
  type Home,
  type Household,
  type Member,
  patientsPerBlock,
  patientsPerDistrict,
  siteOf,
} from "#town/household.ts";
import { type Colleague, primarySlot } from "#town/staff.ts";
import type { Language } from "#town/words/names.ts";
import type { World } from "#town/world.ts";

/** What is wrong with an address: it is known to be, it shows, or nobody knows of one. */
export type AddressState = "good" | "returned" | "incomplete" | "missing" | "confidential";

export interface Person extends Member {
  readonly household: Household;
  readonly colleague: Colleague | null;
  /** On the town's day, or on the last day lived. */
  readonly age: number;
  readonly minor: boolean;
  readonly death: Day | null;
  /** Last day of which the chart can tell. */
  readonly until: Day;
  readonly registered: Day;
  readonly language: Language;
  readonly needsInterpreter: boolean;
  readonly mrn: string;
  readonly email: string | null;
  readonly agreedToEmail: boolean;
  readonly phones: readonly { readonly use: "home" | "mobile"; readonly text: string }[];
  readonly addressState: AddressState;
  readonly formerHome: Home | null;
  readonly movedOn: Day | null;
  readonly primary: number;
}

/** The medical record number of patient `n`. */
export function mrnText(n: number): string {
  return `HL${String(n + 1).padStart(8, "0")}`;
}

export function personAt(world: World, n: number): Person {
  const block = world.blockOf(Math.floor(n / patientsPerBlock));
  const household = block.find(({ members }) => members.some((member) => member.n === n));
  const member = household?.members.find((candidate) => candidate.n === n);
  invariant(household !== undefined && member !== undefined, "a patient lives nowhere");
  return describe(world, household, member);
}

function describe(world: World, household: Household, member: Member): Person {
  const dice = world.dice("person", member.n);
  const district = Math.floor(member.n / patientsPerDistrict);
  const colleague = world.staffOf(district).find(({ patient }) => patient === member.n) ?? null;
  const firstFamily = household.index === 0;
  const death = firstFamily || colleague !== null ? null : deathOf(dice, member, world.asOf);
  const until = death ?? world.asOf;
  const age = ageOn(member.birth, until);
  const minor = age < 18;
  const moved = household.formerHome !== null && member.birth < world.asOf - 400;
  const email = emailOf(dice, member, age);
  const language = languageOf(dice, household, member.kin, age);
  return {
    ...member,
    household,
    colleague,
    age,
    minor,
    death,
    until,
    registered: registeredOn(dice, member, until, firstFamily),
    language,
    needsInterpreter: language !== "en" && age > 30 && dice.chance(0.5),
    mrn: mrnText(member.n),
    email,
    agreedToEmail: email !== null && (firstFamily || dice.chance(0.6)),
    phones: phonesOf(dice, household, minor),
    addressState: firstFamily ? "good" : addressStateOf(dice, age),
    formerHome: moved ? household.formerHome : null,
    movedOn: moved ? until - dice.between(200, 2000) : null,
    primary: primarySlot(household.site, minor),
  };
}

// The last three years lived, by age; elders of a clinic's chart are often people who have died.
function deathOf(dice: Dice, member: Member, asOf: Day): Day | null {
  const age = ageOn(member.birth, asOf);
  const share = age < 40 ? 0.006 : age < 65 ? 0.03 : age < 80 ? 0.11 : 0.26;
  if (!dice.chance(share)) return null;
  const day = asOf - dice.between(10, 1095);
  return day > member.birth + 30 ? day : null;
}

function registeredOn(dice: Dice, member: Member, until: Day, longKnown: boolean): Day {
  const years = longKnown ? 9 : dice.near(4.1, 1.4);
  const from = until - Math.floor(Math.max(0.7, years) * daysPerYear);
  return Math.max(from, member.birth);
}

// Those who grew up here mostly read English; their elders mostly do not.
function languageOf(dice: Dice, household: Household, kin: Member["kin"], age: number): Language {
  const own = household.culture.language;
  if (household.index === 0) return kin === "child" ? "en" : own;
  const keeps = kin === "child" ? 0.2 : age >= 65 ? 0.85 : 0.6;
  return dice.chance(keeps) ? own : "en";
}

const mailHosts = ["example.com", "example.org", "example.net"];

function emailOf(dice: Dice, member: Member, age: number): string | null {
  const share = age < 15 ? 0 : age < 65 ? 0.86 : age < 80 ? 0.62 : 0.3;
  const host = dice.pick(mailHosts);
  if (member.n === 0) return "ana.delgado@example.com";
  if (!dice.chance(share)) return null;
  const name = `${plain(member.given[0]?.latin ?? "")}.${plain(member.family.latin)}`;
  return `${name}${member.n}@${host}`;
}

function plain(name: string): string {
  return name
    .normalize("NFD")
    .replace(/[đĐ]/g, "d")
    .replace(/[^A-Za-z]/g, "")
    .toLowerCase();
}

// 555-0100 to 555-0199 are set aside for fiction in every area code.
function phonesOf(dice: Dice, household: Household, minor: boolean): Person["phones"] {
  const area = siteOf(household.district, household.site).areaCode;
  const last = String(dice.between(0, 99)).padStart(2, "0");
  const mobile = { use: "mobile" as const, text: written(dice, area, `01${last}`) };
  const home = {
    use: "home" as const,
    text: written(dice, area, `01${(household.index % 89) + 10}`),
  };
  if (minor) return dice.chance(0.8) ? [home] : [];
  if (dice.chance(0.04)) return [];
  return dice.chance(0.45) ? [mobile, home] : [mobile];
}

function written(dice: Dice, area: string, line: string): string {
  switch (dice.between(0, 4)) {
    case 0:
      return `(${area}) 555-${line}`;
    case 1:
      return `+1 ${area} 555 ${line}`;
    case 2:
      return `${area}555${line}`;
    case 3:
      return `${area}.555.${line}`;
    default:
      return `${area}-555-${line}`;
  }
}

function addressStateOf(dice: Dice, age: number): AddressState {
  const states: readonly AddressState[] = [
    "good",
    "returned",
    "incomplete",
    "missing",
    "confidential",
  ];
  const state = states[dice.weighted([93, 2.4, 1.6, 1.6, 1.4])] ?? "good";
  return state === "confidential" && age < 18 ? "good" : state;
}

/** How a person's name is spoken of in a note. */
export function spokenName(person: Member): string {
  const given = person.given.map(({ latin }) => latin).join(" ");
  return `${given} ${person.family.latin}`;
}
