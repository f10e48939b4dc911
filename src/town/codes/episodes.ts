import type { Diagnosis } from "#town/codes/ailments.ts";
import type { Sensitivity } from "#town/codes/concept.ts";
import type { MedicineKey } from "#town/codes/medicines.ts";
import type { MeasureKey } from "#town/codes/measures.ts";

/** Something that comes, is treated and passes. */
export interface Episode extends Diagnosis {
  readonly label?: Sensitivity;
  /** How often among all episodes of a child, a grown-up and an elder. */
  readonly share: readonly [child: number, adult: number, elder: number];
  readonly only?: "female";
  readonly fromAge?: number;
  readonly days: number;
  readonly emergency: number;
  readonly medicine?: MedicineKey;
  readonly effect: Readonly<Partial<Record<MeasureKey, number>>>;
  readonly procedure?: ProcedureKey;
  readonly complaint: string;
}

export interface Procedure {
  readonly snomed: string;
  readonly display: string;
}

export type ProcedureKey = keyof typeof procedures;

export const procedures = {
  suture: { snomed: "288086009", display: "Suture open wound" },
  immobilization: { snomed: "274474001", display: "Bone immobilization" },
  chestXray: { snomed: "399208008", display: "Plain chest X-ray" },
  throatCulture: { snomed: "117015009", display: "Throat culture" },
  colonoscopy: { snomed: "73761001", display: "Colonoscopy" },
  mammography: { snomed: "71651007", display: "Mammography" },
  electrocardiogram: { snomed: "29303009", display: "Electrocardiographic procedure" },
  spirometry: { snomed: "127783003", display: "Spirometry" },
  childbirth: { snomed: "66348005", display: "Childbirth" },
  caesarean: { snomed: "11466000", display: "Cesarean section" },
  kneeReplacement: { snomed: "609588000", display: "Total knee replacement" },
  chemotherapy: { snomed: "367336001", display: "Chemotherapy" },
  appendectomy: { snomed: "80146002", display: "Appendectomy" },
  counseling: { snomed: "228557008", display: "Cognitive and behavioral therapy" },
} as const satisfies Readonly<Record<string, Procedure>>;

export const episodes: readonly Episode[] = [
  {
    snomed: "54150009",
    display: "Upper respiratory infection",
    icd10: "J06.9",
    plain: "a cold",
    share: [30, 18, 12],
    days: 9,
    emergency: 0.02,
    effect: { temperature: 0.9 },
    complaint: "a runny nose and a sore throat for three days",
  },
  {
    snomed: "65363002",
    display: "Otitis media",
    icd10: "H66.90",
    plain: "ear infection",
    share: [20, 2, 1],
    days: 12,
    emergency: 0.05,
    medicine: "amoxicillin250",
    effect: { temperature: 1.3 },
    complaint: "ear pain since last night",
  },
  {
    snomed: "43878008",
    display: "Streptococcal sore throat",
    icd10: "J02.0",
    plain: "strep throat",
    share: [14, 5, 1],
    days: 10,
    emergency: 0.04,
    medicine: "amoxicillin250",
    effect: { temperature: 1.5, leukocytes: 4 },
    procedure: "throatCulture",
    complaint: "a sore throat and fever without a cough",
  },
  {
    snomed: "10509002",
    display: "Acute bronchitis",
    icd10: "J20.9",
    plain: "bronchitis",
    share: [6, 13, 14],
    days: 18,
    emergency: 0.05,
    effect: { temperature: 0.6, breathing: 3, saturation: -1 },
    complaint: "a cough that will not go away",
  },
  {
    snomed: "444814009",
    display: "Viral sinusitis",
    plain: "a sinus infection",
    share: [5, 14, 9],
    days: 14,
    emergency: 0.02,
    medicine: "acetaminophen325",
    effect: { temperature: 0.4 },
    complaint: "pressure over the cheeks and a blocked nose",
  },
  {
    snomed: "6142004",
    display: "Influenza",
    icd10: "J11.1",
    plain: "flu",
    share: [9, 8, 8],
    days: 10,
    emergency: 0.15,
    medicine: "acetaminophen325",
    effect: { temperature: 2, heartRate: 14 },
    complaint: "sudden fever, chills and aching all over",
  },
  {
    snomed: "233604007",
    display: "Pneumonia",
    icd10: "J18.9",
    plain: "pneumonia",
    share: [2, 3, 9],
    days: 24,
    emergency: 0.6,
    medicine: "azithromycin250",
    effect: { temperature: 1.8, saturation: -5, breathing: 6, leukocytes: 6 },
    procedure: "chestXray",
    complaint: "fever, cough and short breath",
  },
  {
    snomed: "68566005",
    display: "Urinary tract infectious disease",
    icd10: "N39.0",
    plain: "a urinary infection",
    share: [2, 10, 14],
    only: "female",
    days: 8,
    emergency: 0.06,
    medicine: "trimethoprimSulfa",
    effect: { temperature: 0.5 },
    complaint: "burning when passing water",
  },
  {
    snomed: "25374005",
    display: "Gastroenteritis",
    icd10: "K52.9",
    plain: "stomach flu",
    share: [9, 6, 6],
    days: 5,
    emergency: 0.12,
    effect: { temperature: 0.7, heartRate: 8 },
    complaint: "vomiting and loose stools since yesterday",
  },
  {
    snomed: "44465007",
    display: "Sprain of ankle",
    plain: "a sprained ankle",
    share: [7, 9, 4],
    fromAge: 5,
    days: 28,
    emergency: 0.35,
    medicine: "ibuprofen200",
    effect: {},
    complaint: "a swollen ankle after a misstep",
  },
  {
    snomed: "65966004",
    display: "Fracture of forearm",
    plain: "a broken forearm",
    share: [4, 2, 4],
    fromAge: 3,
    days: 56,
    emergency: 0.9,
    medicine: "acetaminophen325",
    effect: { heartRate: 8 },
    procedure: "immobilization",
    complaint: "a painful, crooked forearm after a fall",
  },
  {
    snomed: "283371005",
    display: "Laceration of forearm",
    plain: "a cut on the forearm",
    share: [4, 5, 4],
    days: 14,
    emergency: 0.7,
    effect: {},
    procedure: "suture",
    complaint: "a cut from broken glass",
  },
  {
    snomed: "62106007",
    display: "Concussion with no loss of consciousness",
    plain: "concussion",
    share: [3, 2, 2],
    fromAge: 4,
    days: 21,
    emergency: 0.8,
    effect: {},
    complaint: "headache and dizziness after a blow to the head",
  },
  {
    snomed: "840539006",
    display: "COVID-19",
    icd10: "U07.1",
    plain: "COVID-19",
    share: [5, 8, 9],
    days: 12,
    emergency: 0.12,
    medicine: "acetaminophen325",
    effect: { temperature: 1.2, saturation: -2 },
    complaint: "fever, cough and no sense of smell",
  },
  {
    snomed: "105629000",
    display: "Chlamydial infection",
    plain: "chlamydia",
    label: "STD",
    share: [0, 2, 0],
    fromAge: 16,
    days: 10,
    emergency: 0,
    medicine: "azithromycin250",
    effect: {},
    complaint: "a wish to be tested after a partner's result",
  },
  {
    snomed: "74400008",
    display: "Appendicitis",
    plain: "appendicitis",
    share: [1, 0.7, 0.3],
    fromAge: 6,
    days: 16,
    emergency: 1,
    effect: { temperature: 1.4, leukocytes: 7 },
    procedure: "appendectomy",
    complaint: "pain that moved to the lower right of the belly",
  },
];
