import { invariant } from "#core/result.ts";
import { ageOn, type Day } from "#town/calendar.ts";
import type { Specialty } from "#town/codes/specialties.ts";
import type { Dice, DiceBox } from "#town/dice.ts";
import { blocksPerDistrict, type Household, type Member, type Sex } from "#town/household.ts";
import { cultures } from "#town/words/names.ts";

/** Someone who works in a district; `slot` is the place in its list. */
export interface Colleague {
  readonly district: number;
  readonly slot: number;
  readonly specialty: Specialty;
  readonly site: number;
  readonly family: string;
  readonly given: string;
  readonly sex: Sex;
  /** The patient who this colleague is at home; null for most. */
  readonly patient: number | null;
}

const specialists: readonly Specialty[] = [
  "cardiology",
  "endocrinology",
  "pulmonology",
  "psychiatry",
  "obstetrics",
  "orthopaedics",
  "oncology",
  "infectiousDisease",
  "nephrology",
  "addictionMedicine",
  "allergy",
  "neurology",
];

export const sitesPerDistrict = 6;

interface Post {
  readonly specialty: Specialty;
  readonly site: number;
}

const roster: readonly Post[] = [
  ...sites((site): Post => ({
    specialty: site % 2 === 0 ? "familyMedicine" : "internalMedicine",
    site,
  })),
  { specialty: "pediatrics", site: 0 },
  { specialty: "pediatrics", site: 3 },
  ...specialists.map((specialty, at): Post => ({ specialty, site: at % 2 })),
  { specialty: "emergencyMedicine", site: 0 },
  ...sites((site): Post => ({ specialty: "nursing", site })),
  { specialty: "physicianAssistant", site: 1 },
  { specialty: "physicianAssistant", site: 4 },
  { specialty: "pharmacy", site: 0 },
  { specialty: "reception", site: 0 },
  { specialty: "reception", site: 2 },
  { specialty: "reception", site: 5 },
];

function sites(make: (site: number) => Post): readonly Post[] {
  return Array.from({ length: sitesPerDistrict }, (_, site) => make(site));
}

/** Colleagues who are patients too, by their slot: the block of their district in which they live. */
const homeBlocks: ReadonlyMap<number, number> = new Map([
  [21, 1],
  [22, 3],
  [24, 5],
  [27, 7],
  [30, 9],
  [31, 11],
]);

/** The demo's clinician; Ana's primary physician. */
export const firstPhysician = { slot: 0, family: "Okonkwo-Hale", given: "Miriam" } as const;

export interface Staffing {
  readonly box: DiceBox;
  readonly asOf: Day;
  readonly blockOf: (block: number) => readonly Household[];
}

export function staffDistrict(deps: Staffing, district: number): readonly Colleague[] {
  return roster.map(({ specialty, site }, slot) => {
    const place = { district, slot, specialty, site };
    if (district === 0 && slot === firstPhysician.slot) {
      return {
        ...place,
        family: firstPhysician.family,
        given: firstPhysician.given,
        sex: "female",
        patient: null,
      };
    }
    const dice = deps.box("colleague", district, slot);
    return { ...place, ...(neighbour(deps, district, slot) ?? stranger(dice)) };
  });
}

function neighbour(
  deps: Staffing,
  district: number,
  slot: number,
): Omit<Colleague, "district" | "slot" | "specialty" | "site"> | null {
  const block = homeBlocks.get(slot);
  if (block === undefined) return null;
  const members = deps
    .blockOf(district * blocksPerDistrict + block)
    .flatMap(({ members }) => members);
  const found = members.find((member) => canWork(member, deps.asOf));
  if (found === undefined) return null;
  const given = found.given[0]?.latin;
  invariant(given !== undefined, "a member has no given name");
  return { family: found.family.latin, given, sex: found.sex, patient: found.n };
}

function canWork(member: Member, asOf: Day): boolean {
  const age = ageOn(member.birth, asOf);
  return (member.kin === "head" || member.kin === "partner") && age >= 25 && age <= 61;
}

function stranger(dice: Dice): { family: string; given: string; sex: Sex; patient: null } {
  const culture = dice.pick(cultures);
  const sex: Sex = dice.chance(0.55) ? "female" : "male";
  const given = dice.pick(sex === "female" ? culture.women : culture.men).latin;
  return { family: dice.pick(culture.surnames).latin, given, sex, patient: null };
}

/** The slot of the physician whose panel a person is on. */
export function primarySlot(site: number, minor: boolean): number {
  if (!minor) return site;
  return site < 3 ? sitesPerDistrict : sitesPerDistrict + 1;
}

/** The first colleague of a specialty; throws BrokenInvariant if a district lacks it. */
export function slotOf(specialty: Specialty): number {
  const slot = roster.findIndex((post) => post.specialty === specialty);
  invariant(slot !== -1, "a district lacks a specialty");
  return slot;
}

export function nurseSlot(site: number): number {
  return slotOf("nursing") + site;
}
