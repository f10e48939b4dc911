import { invariant } from "#core/result.ts";
import { type Day, dayOf, yearOf } from "#town/calendar.ts";
import type { Household, Kin, Member, Sex } from "#town/household.ts";
import { cultures } from "#town/words/names.ts";
import { regions } from "#town/words/places.ts";

/** The family that every town begins with: the people whom demos, journeys and screens show. */
export const firstFamilyMembers = { ana: 0, luis: 1, lucia: 2, mateo: 3, carmen: 4 } as const;

const people: readonly {
  kin: Kin;
  sex: Sex;
  given: string;
  age: number;
  month: number;
  date: number;
}[] = [
  { kin: "head", sex: "female", given: "Ana Sofía", age: 47, month: 1, date: 14 },
  { kin: "partner", sex: "male", given: "Luis", age: 49, month: 1, date: 2 },
  { kin: "child", sex: "female", given: "Lucía", age: 15, month: 1, date: 9 },
  { kin: "child", sex: "male", given: "Mateo", age: 9, month: 1, date: 20 },
  { kin: "grandparent", sex: "female", given: "Carmen", age: 75, month: 1, date: 5 },
];

export function firstFamily(asOf: Day): Household {
  const culture = cultures.find(({ language }) => language === "es");
  const clinic = regions[0]?.[0];
  invariant(culture !== undefined && clinic !== undefined, "the first family has no home");
  const members = people.map(({ kin, sex, given, age, month, date }, n): Member => ({
    n,
    kin,
    sex,
    birth: dayOf(yearOf(asOf) - age, month, date),
    given: given.split(" ").map((latin) => ({ latin })),
    family: { latin: "Delgado" },
    suffix: null,
  }));
  const { city, state, zip } = clinic;
  return {
    index: 0,
    district: 0,
    site: 0,
    culture,
    home: { city, state, zip, line: "48 Orchard Street, Apt 3" },
    formerHome: null,
    members,
  };
}
