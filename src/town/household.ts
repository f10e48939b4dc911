import { invariant, unreachable } from "#core/result.ts";
import { type Day, daysPerYear } from "#town/calendar.ts";
import type { Dice, DiceBox } from "#town/dice.ts";
import { firstFamily } from "#town/first-family.ts";
import { commonNames, type Culture, cultures, type Written } from "#town/words/names.ts";
import { type Place, regions, streetEndings, streets } from "#town/words/places.ts";

/** Patients are settled by blocks of this many, so that any one is found without the others. */
export const patientsPerBlock = 12;
export const blocksPerDistrict = 500;
export const patientsPerDistrict = patientsPerBlock * blocksPerDistrict;

export type Sex = "female" | "male";
export type Kin = "head" | "partner" | "child" | "grandparent";

export interface Member {
  /** The patient's number in the town. */
  readonly n: number;
  readonly kin: Kin;
  readonly sex: Sex;
  readonly birth: Day;
  readonly given: readonly Written[];
  readonly family: Written;
  readonly suffix: "Jr." | "Sr." | null;
}

export interface Home extends Place {
  readonly line: string;
}

export interface Household {
  readonly index: number;
  readonly district: number;
  /** Which of the district's clinics they go to. */
  readonly site: number;
  readonly culture: Culture;
  readonly home: Home;
  /** Where they lived before, in another State; null for those who stayed. */
  readonly formerHome: Home | null;
  readonly members: readonly Member[];
}

interface Kind {
  readonly weight: number;
  readonly kin: readonly Kin[];
  readonly ageFrom: number;
  readonly ageTo: number;
}

const kinds: readonly Kind[] = [
  { weight: 21, kin: ["head"], ageFrom: 19, ageTo: 64 },
  { weight: 11, kin: ["head"], ageFrom: 65, ageTo: 96 },
  { weight: 12, kin: ["head", "partner"], ageFrom: 23, ageTo: 64 },
  { weight: 12, kin: ["head", "partner"], ageFrom: 65, ageTo: 90 },
  { weight: 10, kin: ["head", "partner", "child"], ageFrom: 24, ageTo: 50 },
  { weight: 14, kin: ["head", "partner", "child", "child"], ageFrom: 26, ageTo: 50 },
  { weight: 6, kin: ["head", "partner", "child", "child", "child"], ageFrom: 28, ageTo: 50 },
  { weight: 6, kin: ["head", "child"], ageFrom: 21, ageTo: 50 },
  { weight: 5, kin: ["head", "child", "child"], ageFrom: 24, ageTo: 50 },
  { weight: 5, kin: ["head", "partner", "child", "child", "grandparent"], ageFrom: 30, ageTo: 50 },
  { weight: 2, kin: ["head", "child", "grandparent", "grandparent"], ageFrom: 28, ageTo: 50 },
];

const siteWeights = [30, 18, 16, 14, 12, 10];

export function homeAt(dice: Dice, place: Place): Home {
  const street = `${dice.pick(streets)} ${dice.pick(streetEndings)}`;
  const flat = dice.chance(0.3)
    ? `, Apt ${dice.between(1, 40)}${dice.pick(["", "", "A", "B"])}`
    : "";
  return { ...place, line: `${dice.between(1, 980)} ${street}${flat}` };
}

export function siteOf(district: number, site: number): (typeof regions)[number][number] {
  const found = regions[district % regions.length]?.[site];
  invariant(found !== undefined, "a household belongs to no clinic");
  return found;
}

function formerHome(dice: Dice, district: number): Home | null {
  if (!dice.chance(0.09)) return null;
  const elsewhere = regions[(district + dice.between(1, regions.length - 1)) % regions.length];
  return homeAt(dice, dice.pick(elsewhere ?? []));
}

/** The households of one block; together they have exactly as many members as a block holds. */
export function settleBlock(box: DiceBox, asOf: Day, block: number): readonly Household[] {
  const found: Household[] = [];
  let next = block * patientsPerBlock;
  const end = next + patientsPerBlock;
  if (block === 0) {
    found.push(firstFamily(asOf));
    next += found[0]?.members.length ?? 0;
  }
  while (next < end) {
    const settled = settle({
      box,
      asOf,
      index: block * patientsPerBlock + found.length,
      first: next,
      room: end - next,
    });
    found.push(settled);
    next += settled.members.length;
  }
  return found;
}

interface Plot {
  readonly box: DiceBox;
  readonly asOf: Day;
  readonly index: number;
  readonly first: number;
  readonly room: number;
}

function settle(plot: Plot): Household {
  const dice = plot.box("household", plot.index);
  const district = Math.floor(plot.first / patientsPerDistrict);
  const fitting = kinds.filter(({ kin }) => kin.length <= plot.room);
  const kind = fitting[dice.weighted(fitting.map(({ weight }) => weight))];
  invariant(kind !== undefined, "no kind of household fits");
  const culture = cultures[dice.weighted(cultures.map(({ perMille }) => perMille))];
  invariant(culture !== undefined, "no culture was drawn");
  const site = dice.weighted(siteWeights);
  const clinic = siteOf(district, site);
  const place = dice.chance(0.45) ? clinic : dice.pick(clinic.around);
  const { city, state, zip } = place;
  return {
    index: plot.index,
    district,
    site,
    culture,
    home: homeAt(dice, { city, state, zip }),
    formerHome: formerHome(dice, district),
    members: people(dice, plot, kind, culture),
  };
}

function people(dice: Dice, plot: Plot, kind: Kind, culture: Culture): readonly Member[] {
  const family = dice.pick(culture.surnames);
  const headAge = dice.between(kind.ageFrom, kind.ageTo);
  const headSex: Sex = dice.chance(kind.kin.includes("partner") ? 0.5 : 0.62) ? "female" : "male";
  const otherSex: Sex = headSex === "female" ? "male" : "female";
  const used = new Set<string>();
  const members: Member[] = [];
  for (const [at, kin] of kind.kin.entries()) {
    const sex =
      kin === "head"
        ? headSex
        : kin === "partner"
          ? partnerSex(dice, headSex, otherSex)
          : dice.chance(0.52)
            ? "female"
            : "male";
    members.push({
      n: plot.first + at,
      kin,
      sex,
      birth: birthOf(dice, plot.asOf, kin, headAge),
      family: familyOf(dice, kin, culture, family),
      given: givenOf(dice, culture, sex, used),
      suffix: null,
    });
  }
  return namesake(dice, commonName(dice, members));
}

function partnerSex(dice: Dice, headSex: Sex, otherSex: Sex): Sex {
  return dice.chance(0.05) ? headSex : otherSex;
}

function birthOf(dice: Dice, asOf: Day, kin: Kin, headAge: number): Day {
  const age = ageOf(dice, kin, headAge);
  return asOf - Math.floor(age * daysPerYear) - dice.between(1, 365);
}

function ageOf(dice: Dice, kin: Kin, headAge: number): number {
  switch (kin) {
    case "head":
      return headAge;
    case "partner":
      return Math.max(19, headAge + dice.between(-5, 6));
    case "child":
      return Math.max(0, headAge - dice.between(20, 38));
    case "grandparent":
      return headAge + dice.between(21, 34);
    default:
      return unreachable(kin);
  }
}

function familyOf(dice: Dice, kin: Kin, culture: Culture, family: Written): Written {
  if (kin === "grandparent" && dice.chance(0.4)) return dice.pick(culture.surnames);
  if (kin !== "partner" || !dice.chance(0.16)) return family;
  const own = dice.pick(culture.surnames);
  if (!dice.chance(0.5) || own.native !== undefined) return own;
  return { latin: `${own.latin}-${family.latin}` };
}

function givenOf(dice: Dice, culture: Culture, sex: Sex, used: Set<string>): readonly Written[] {
  const list = sex === "female" ? culture.women : culture.men;
  let first = dice.pick(list);
  for (let tries = 0; used.has(first.latin) && tries < 8; tries += 1) first = dice.pick(list);
  used.add(first.latin);
  if (first.native !== undefined || !dice.chance(0.55)) return [first];
  const second = dice.pick(list);
  return second.latin === first.latin ? [first] : [first, second];
}

/** Some who live alone bear a name that many bear. */
function commonName(dice: Dice, members: readonly Member[]): readonly Member[] {
  const [only] = members;
  if (members.length !== 1 || only === undefined || !dice.chance(0.12)) return members;
  const { family, given, sex } = dice.pick(commonNames);
  return [{ ...only, sex, family: { latin: family }, given: [{ latin: given }] }];
}

/** Some fathers hand their whole name on, and the chart must still tell the two apart. */
function namesake(dice: Dice, members: readonly Member[]): readonly Member[] {
  const father = members.find(
    ({ sex, kin }) => sex === "male" && (kin === "head" || kin === "partner"),
  );
  const son = members.find(({ sex, kin }) => sex === "male" && kin === "child");
  if (father === undefined || son === undefined || !dice.chance(0.15)) return members;
  return members.map((member) => {
    if (member === father) return { ...member, suffix: "Sr." };
    if (member === son)
      return { ...member, suffix: "Jr.", given: father.given, family: father.family };
    return member;
  });
}
