/** What a person cannot take, and how the body answers. */
export interface Allergy {
  readonly snomed: string;
  readonly display: string;
  readonly plain: string;
  readonly category: "medication" | "food" | "environment";
  readonly severe: boolean;
  readonly share: number;
  readonly reactions: readonly Reaction[];
}

export interface Reaction {
  readonly snomed: string;
  readonly display: string;
}

const hives: Reaction = { snomed: "247472004", display: "Weal" };
const rash: Reaction = { snomed: "271807003", display: "Eruption of skin" };
const anaphylaxis: Reaction = { snomed: "39579001", display: "Anaphylaxis" };
const itching: Reaction = { snomed: "418290006", display: "Itching" };
const sneezing: Reaction = { snomed: "76067001", display: "Sneezing" };
const wheeze: Reaction = { snomed: "267036007", display: "Dyspnea" };

export type AllergyKey = keyof typeof allergies;

export const allergies = {
  penicillin: {
    snomed: "91936005",
    display: "Allergy to penicillin",
    plain: "penicillin",
    category: "medication",
    severe: true,
    share: 8,
    reactions: [hives, rash],
  },
  sulfonamide: {
    snomed: "91939003",
    display: "Allergy to sulfonamide",
    plain: "sulfa medicines",
    category: "medication",
    severe: false,
    share: 4,
    reactions: [rash],
  },
  latex: {
    snomed: "300916003",
    display: "Latex allergy",
    plain: "latex",
    category: "environment",
    severe: false,
    share: 2,
    reactions: [itching, rash],
  },
  peanut: {
    snomed: "91935009",
    display: "Allergy to peanuts",
    plain: "peanuts",
    category: "food",
    severe: true,
    share: 2,
    reactions: [anaphylaxis, hives],
  },
  nut: {
    snomed: "91934008",
    display: "Allergy to nut",
    plain: "tree nuts",
    category: "food",
    severe: true,
    share: 1.4,
    reactions: [anaphylaxis],
  },
  egg: {
    snomed: "91930004",
    display: "Allergy to eggs",
    plain: "eggs",
    category: "food",
    severe: false,
    share: 1.2,
    reactions: [hives],
  },
  dairy: {
    snomed: "425525006",
    display: "Allergy to dairy product",
    plain: "milk",
    category: "food",
    severe: false,
    share: 1.5,
    reactions: [rash],
  },
  fish: {
    snomed: "417532002",
    display: "Allergy to fish",
    plain: "fish",
    category: "food",
    severe: true,
    share: 1.2,
    reactions: [hives, wheeze],
  },
  wheat: {
    snomed: "420174000",
    display: "Allergy to wheat",
    plain: "wheat",
    category: "food",
    severe: false,
    share: 0.7,
    reactions: [rash],
  },
  beeVenom: {
    snomed: "424213003",
    display: "Allergy to bee venom",
    plain: "bee stings",
    category: "environment",
    severe: true,
    share: 1.3,
    reactions: [anaphylaxis, hives],
  },
  dander: {
    snomed: "232347008",
    display: "Dander (animal) allergy",
    plain: "cats and dogs",
    category: "environment",
    severe: false,
    share: 5,
    reactions: [sneezing, itching],
  },
  dustMite: {
    snomed: "232350006",
    display: "House dust mite allergy",
    plain: "house dust",
    category: "environment",
    severe: false,
    share: 5,
    reactions: [sneezing],
  },
  grass: {
    snomed: "418689008",
    display: "Allergy to grass pollen",
    plain: "grass pollen",
    category: "environment",
    severe: false,
    share: 6,
    reactions: [sneezing, itching],
  },
  tree: {
    snomed: "419263009",
    display: "Allergy to tree pollen",
    plain: "tree pollen",
    category: "environment",
    severe: false,
    share: 5,
    reactions: [sneezing],
  },
  mould: {
    snomed: "419474003",
    display: "Allergy to mould",
    plain: "mold",
    category: "environment",
    severe: false,
    share: 3,
    reactions: [sneezing, wheeze],
  },
} as const satisfies Readonly<Record<string, Allergy>>;

export const allergyList: readonly Allergy[] = Object.values(allergies);
