import type { Sensitivity } from "#town/codes/concept.ts";
import type { MeasureKey, PanelKey } from "#town/codes/measures.ts";
import type { MedicineKey } from "#town/codes/medicines.ts";
import type { Specialty } from "#town/codes/specialties.ts";

export interface Diagnosis {
  readonly snomed: string;
  readonly display: string;
  /** Only where one ICD-10-CM code says the same. */
  readonly icd10?: string;
  readonly plain: string;
}

/** A medicine on the way of treatment. */
export interface Rung {
  readonly afterDays: number;
  readonly medicine: MedicineKey;
  /** Of those who come so far, who need it; everybody when absent. */
  readonly share?: number;
}

/** A lasting condition: whom it meets, what it does to the body, and how it is cared for. */
export interface Ailment extends Diagnosis {
  /** Probability over the whole span of ages `from`–`to`, in which the onset falls evenly. */
  readonly risk: {
    readonly women: number;
    readonly men: number;
    readonly from: number;
    readonly to: number;
  };
  readonly label?: Sensitivity;
  readonly specialist?: Specialty;
  readonly visitsPerYear: number;
  readonly panels: readonly PanelKey[];
  readonly effect: Readonly<Partial<Record<MeasureKey, number>>>;
  /** Further change a year, once it has begun. */
  readonly drift?: Readonly<Partial<Record<MeasureKey, number>>>;
  /** Medicines in the order in which they are tried, each so long after the diagnosis. */
  readonly ladder: readonly Rung[];
  readonly plan?: {
    readonly snomed: string;
    readonly display: string;
    readonly steps: readonly string[];
  };
  /** What a visit for it talks about. */
  readonly talk: readonly string[];
}

export type AilmentKey = keyof typeof ailments;

export const ailments = {
  hypertension: {
    snomed: "59621000",
    display: "Essential hypertension",
    icd10: "I10",
    plain: "high blood pressure",
    risk: { women: 0.52, men: 0.58, from: 30, to: 78 },
    visitsPerYear: 1.2,
    panels: ["metabolic"],
    effect: { systolic: 30, diastolic: 16 },
    drift: { systolic: 0.5 },
    ladder: [
      { afterDays: 0, medicine: "lisinopril10" },
      { afterDays: 500, medicine: "amlodipine5", share: 0.5 },
      { afterDays: 1700, medicine: "hydrochlorothiazide25", share: 0.25 },
    ],
    talk: [
      "takes readings at home and brings the list",
      "cooks with less salt than a year ago",
      "misses a tablet about once a week",
    ],
  },
  diabetes: {
    snomed: "44054006",
    display: "Diabetes mellitus type 2",
    icd10: "E11.9",
    plain: "type 2 diabetes",
    risk: { women: 0.2, men: 0.24, from: 32, to: 75 },
    visitsPerYear: 2.2,
    panels: ["hba1c", "metabolic", "kidney"],
    specialist: "endocrinology",
    effect: { hba1c: 3, glucose: 82, weight: 5, albuminRatio: 14 },
    drift: { hba1c: 0.13, glucose: 4, albuminRatio: 2 },
    ladder: [
      { afterDays: 10, medicine: "metformin500" },
      { afterDays: 1250, medicine: "empagliflozin10" },
      { afterDays: 2900, medicine: "insulinGlargine", share: 0.5 },
    ],
    plan: {
      snomed: "698360004",
      display: "Diabetes self management plan",
      steps: [
        "Check blood sugar before breakfast",
        "Walk for half an hour on most days",
        "Have the eyes and feet looked at every year",
      ],
    },
    talk: [
      "has walked after dinner on most days",
      "finds the weekends harder than the week",
      "had two low readings before lunch, none of them severe",
    ],
  },
  hyperlipidaemia: {
    snomed: "55822004",
    display: "Hyperlipidemia",
    icd10: "E78.5",
    plain: "high cholesterol",
    risk: { women: 0.4, men: 0.44, from: 30, to: 72 },
    visitsPerYear: 0.4,
    panels: ["lipids"],
    effect: { ldl: 58, triglycerides: 48, hdl: -5 },
    ladder: [{ afterDays: 60, medicine: "atorvastatin20" }],
    talk: ["has no muscle aches with the tablet", "eats fish twice a week now"],
  },
  asthma: {
    snomed: "195967001",
    display: "Asthma",
    icd10: "J45.909",
    plain: "asthma",
    risk: { women: 0.1, men: 0.1, from: 2, to: 45 },
    visitsPerYear: 0.8,
    panels: [],
    specialist: "pulmonology",
    effect: { saturation: -0.4, breathing: 0.8 },
    ladder: [
      { afterDays: 0, medicine: "albuterol" },
      { afterDays: 200, medicine: "fluticasone" },
    ],
    plan: {
      snomed: "699728000",
      display: "Asthma self management",
      steps: [
        "Keep the quick-relief inhaler at hand",
        "Use the daily inhaler even on good days",
        "Call the clinic when relief is needed more than twice a week",
      ],
    },
    talk: [
      "needed the quick inhaler twice last month",
      "coughs at night when pollen is high",
      "slept through every night since the last visit",
    ],
  },
  copd: {
    snomed: "13645005",
    display: "Chronic obstructive lung disease",
    icd10: "J44.9",
    plain: "chronic obstructive lung disease",
    risk: { women: 0.09, men: 0.11, from: 48, to: 78 },
    visitsPerYear: 1.6,
    panels: [],
    specialist: "pulmonology",
    effect: { saturation: -3, breathing: 3 },
    ladder: [
      { afterDays: 0, medicine: "albuterol" },
      { afterDays: 90, medicine: "fluticasoneSalmeterol" },
    ],
    talk: [
      "walks two blocks before resting",
      "has more phlegm in the mornings",
      "has not smoked since the last visit",
    ],
  },
  hypothyroidism: {
    snomed: "40930008",
    display: "Hypothyroidism",
    icd10: "E03.9",
    plain: "underactive thyroid",
    risk: { women: 0.13, men: 0.03, from: 25, to: 70 },
    visitsPerYear: 0.7,
    panels: ["thyroid"],
    effect: { tsh: 8.2, freeT4: -0.5, weight: 2, heartRate: -4 },
    ladder: [{ afterDays: 7, medicine: "levothyroxine" }],
    talk: ["is less tired than in the spring", "takes the tablet well before breakfast"],
  },
  depression: {
    snomed: "370143000",
    display: "Major depressive disorder",
    icd10: "F32.9",
    plain: "depression",
    label: "MH",
    risk: { women: 0.17, men: 0.1, from: 15, to: 60 },
    visitsPerYear: 1.2,
    panels: [],
    specialist: "psychiatry",
    effect: { phq9: 12 },
    ladder: [{ afterDays: 0, medicine: "sertraline50" }],
    plan: {
      snomed: "718347000",
      display: "Mental health care plan",
      steps: [
        "Keep regular hours of sleep",
        "See the counselor every other week",
        "Call 988 at any hour when things feel unsafe",
      ],
    },
    talk: [
      "sleeps six hours and wakes rested",
      "has gone back to the choir",
      "finds mornings heavy but gets up",
    ],
  },
  anxiety: {
    snomed: "21897009",
    display: "Generalized anxiety disorder",
    icd10: "F41.1",
    plain: "anxiety",
    label: "MH",
    risk: { women: 0.11, men: 0.06, from: 14, to: 55 },
    visitsPerYear: 0.6,
    panels: [],
    effect: { heartRate: 4, phq9: 3 },
    ladder: [{ afterDays: 0, medicine: "fluoxetine20" }],
    talk: ["uses the breathing exercise before meetings", "worries less about driving"],
  },
  osteoarthritis: {
    snomed: "239873007",
    display: "Osteoarthritis of knee",
    icd10: "M17.9",
    plain: "arthritis of the knee",
    risk: { women: 0.3, men: 0.22, from: 48, to: 80 },
    visitsPerYear: 0.5,
    panels: [],
    specialist: "orthopaedics",
    effect: {},
    ladder: [{ afterDays: 0, medicine: "naproxen500" }],
    talk: [
      "climbs stairs one at a time",
      "swims twice a week, which helps",
      "is stiff for ten minutes in the morning",
    ],
  },
  allergicRhinitis: {
    snomed: "61582004",
    display: "Allergic rhinitis",
    icd10: "J30.9",
    plain: "hay fever",
    risk: { women: 0.17, men: 0.17, from: 4, to: 40 },
    visitsPerYear: 0.2,
    panels: [],
    specialist: "allergy",
    effect: {},
    ladder: [{ afterDays: 0, medicine: "loratadine10" }],
    talk: ["sneezes from April to June", "keeps the windows shut on windy days"],
  },
  reflux: {
    snomed: "235595009",
    display: "Gastroesophageal reflux disease",
    icd10: "K21.9",
    plain: "acid reflux",
    risk: { women: 0.16, men: 0.16, from: 28, to: 70 },
    visitsPerYear: 0.3,
    panels: [],
    effect: {},
    ladder: [{ afterDays: 0, medicine: "omeprazole20" }],
    talk: ["has heartburn after late suppers only", "raised the head of the bed"],
  },
  obesity: {
    snomed: "414916001",
    display: "Obesity",
    icd10: "E66.9",
    plain: "obesity",
    risk: { women: 0.2, men: 0.18, from: 12, to: 55 },
    visitsPerYear: 0.3,
    panels: ["lipids"],
    effect: { weight: 24, systolic: 5, triglycerides: 20, hba1c: 0.15 },
    ladder: [],
    talk: ["keeps a food diary", "goes to the pool on Saturdays"],
  },
  migraine: {
    snomed: "37796009",
    display: "Migraine",
    icd10: "G43.909",
    plain: "migraine",
    risk: { women: 0.13, men: 0.05, from: 12, to: 45 },
    visitsPerYear: 0.4,
    panels: [],
    effect: {},
    ladder: [{ afterDays: 0, medicine: "naproxen500" }],
    talk: ["had two attacks this month", "finds that missed meals bring one on"],
  },
  coronaryDisease: {
    snomed: "53741008",
    display: "Coronary arteriosclerosis",
    icd10: "I25.10",
    plain: "narrowed heart arteries",
    risk: { women: 0.09, men: 0.15, from: 50, to: 82 },
    visitsPerYear: 1.4,
    panels: ["lipids", "bloodCount"],
    specialist: "cardiology",
    effect: { systolic: 4 },
    ladder: [
      { afterDays: 0, medicine: "aspirin81" },
      { afterDays: 0, medicine: "atorvastatin40" },
      { afterDays: 20, medicine: "metoprolol" },
    ],
    talk: ["has had no chest pain on the stairs", "carries the spray but has not used it"],
  },
  atrialFibrillation: {
    snomed: "49436004",
    display: "Atrial fibrillation",
    icd10: "I48.91",
    plain: "irregular heartbeat (atrial fibrillation)",
    risk: { women: 0.08, men: 0.1, from: 58, to: 86 },
    visitsPerYear: 1.6,
    panels: ["bloodCount"],
    specialist: "cardiology",
    effect: { heartRate: 14 },
    ladder: [
      { afterDays: 0, medicine: "metoprolol" },
      { afterDays: 5, medicine: "warfarin5" },
    ],
    talk: ["feels the heart skip in the evenings", "has had no bleeding"],
  },
  heartFailure: {
    snomed: "84114007",
    display: "Heart failure",
    icd10: "I50.9",
    plain: "heart failure",
    risk: { women: 0.06, men: 0.07, from: 60, to: 86 },
    visitsPerYear: 2.4,
    panels: ["metabolic"],
    specialist: "cardiology",
    effect: { weight: 4, saturation: -1, heartRate: 6 },
    ladder: [
      { afterDays: 0, medicine: "furosemide40" },
      { afterDays: 30, medicine: "metoprolol" },
    ],
    plan: {
      snomed: "735984001",
      display: "Heart failure self management plan",
      steps: [
        "Weigh yourself every morning and write it down",
        "Call the clinic on a gain of 3 pounds in a day",
        "Keep salt low",
      ],
    },
    talk: ["sleeps on two pillows", "gained two pounds over the holiday"],
  },
  kidneyDisease: {
    snomed: "433144002",
    display: "Chronic kidney disease stage 3",
    plain: "chronic kidney disease, stage 3",
    risk: { women: 0.1, men: 0.1, from: 55, to: 84 },
    visitsPerYear: 1.4,
    panels: ["metabolic", "kidney"],
    specialist: "nephrology",
    effect: { creatinine: 0.62, urea: 11, potassium: 0.3, albuminRatio: 70 },
    drift: { creatinine: 0.03 },
    ladder: [{ afterDays: 20, medicine: "losartan50" }],
    talk: ["no longer takes ibuprofen", "drinks water through the day"],
  },
  osteoporosis: {
    snomed: "64859006",
    display: "Osteoporosis",
    icd10: "M81.0",
    plain: "thin bones (osteoporosis)",
    risk: { women: 0.24, men: 0.05, from: 58, to: 85 },
    visitsPerYear: 0.4,
    panels: [],
    effect: {},
    ladder: [{ afterDays: 0, medicine: "alendronate10" }],
    talk: ["has not fallen since the last visit", "takes calcium with dinner"],
  },
  gout: {
    snomed: "90560007",
    display: "Gout",
    icd10: "M10.9",
    plain: "gout",
    risk: { women: 0.02, men: 0.07, from: 35, to: 75 },
    visitsPerYear: 0.4,
    panels: [],
    effect: {},
    ladder: [{ afterDays: 30, medicine: "allopurinol100" }],
    talk: ["had one attack in the big toe, gone in three days"],
  },
  ironDeficiency: {
    snomed: "87522002",
    display: "Iron deficiency anemia",
    icd10: "D50.9",
    plain: "anemia from low iron",
    risk: { women: 0.14, men: 0.02, from: 14, to: 55 },
    visitsPerYear: 0.6,
    panels: ["bloodCount"],
    effect: { haemoglobin: -3 },
    ladder: [{ afterDays: 5, medicine: "ferrousSulfate" }],
    talk: ["is less short of breath on the hill"],
  },
  attentionDeficit: {
    snomed: "406506008",
    display: "Attention deficit hyperactivity disorder",
    icd10: "F90.9",
    plain: "attention deficit disorder",
    label: "MH",
    risk: { women: 0.05, men: 0.09, from: 6, to: 20 },
    visitsPerYear: 1,
    panels: [],
    effect: {},
    ladder: [{ afterDays: 15, medicine: "methylphenidate20" }],
    talk: [
      "brings a note from the teacher: finishes more of the work",
      "eats little at noon on school days",
    ],
  },
  eczema: {
    snomed: "24079001",
    display: "Atopic dermatitis",
    icd10: "L20.9",
    plain: "eczema",
    risk: { women: 0.1, men: 0.1, from: 0, to: 12 },
    visitsPerYear: 0.3,
    panels: [],
    specialist: "allergy",
    effect: {},
    ladder: [],
    talk: ["scratches less since the cream was changed"],
  },
  alzheimers: {
    snomed: "26929004",
    display: "Alzheimer's disease",
    icd10: "G30.9",
    plain: "Alzheimer's disease",
    risk: { women: 0.16, men: 0.12, from: 70, to: 92 },
    visitsPerYear: 1.4,
    panels: [],
    specialist: "neurology",
    effect: { weight: -4 },
    ladder: [{ afterDays: 20, medicine: "donepezil10" }],
    talk: [
      "comes with a family member who answers for the week",
      "still knows everyone at the table",
    ],
  },
  backPain: {
    snomed: "279039007",
    display: "Low back pain",
    icd10: "M54.50",
    plain: "low back pain",
    risk: { women: 0.2, men: 0.22, from: 24, to: 68 },
    visitsPerYear: 0.4,
    panels: [],
    effect: {},
    ladder: [
      { afterDays: 0, medicine: "ibuprofen200" },
      { afterDays: 400, medicine: "gabapentin300", share: 0.3 },
    ],
    talk: ["lifts less at work", "does the stretches most mornings"],
  },
  breastCancer: {
    snomed: "254837009",
    display: "Malignant neoplasm of breast",
    icd10: "C50.919",
    plain: "breast cancer",
    risk: { women: 0.07, men: 0, from: 40, to: 82 },
    visitsPerYear: 2.6,
    panels: ["bloodCount"],
    specialist: "oncology",
    effect: { haemoglobin: -1.1, leukocytes: -1 },
    ladder: [{ afterDays: 150, medicine: "tamoxifen" }],
    plan: {
      snomed: "736252007",
      display: "Cancer care plan",
      steps: [
        "Mammogram every year",
        "Call on any fever above 38 °C",
        "Meet the nurse navigator every three months",
      ],
    },
    talk: ["has finished treatment and comes for follow-up", "is worried before each scan"],
  },
  prostateCancer: {
    snomed: "399068003",
    display: "Malignant tumor of prostate",
    icd10: "C61",
    plain: "prostate cancer",
    risk: { women: 0, men: 0.08, from: 55, to: 85 },
    visitsPerYear: 2,
    panels: ["psa"],
    specialist: "oncology",
    effect: { psa: 6 },
    drift: { psa: 0.3 },
    ladder: [],
    talk: ["prefers to watch and wait with regular tests"],
  },
  colonCancer: {
    snomed: "363406005",
    display: "Malignant tumor of colon",
    icd10: "C18.9",
    plain: "colon cancer",
    risk: { women: 0.022, men: 0.026, from: 48, to: 84 },
    visitsPerYear: 3,
    panels: ["bloodCount"],
    specialist: "oncology",
    effect: { haemoglobin: -1.8, weight: -4 },
    ladder: [],
    talk: ["eats better since the operation"],
  },
  opioidUse: {
    snomed: "75544000",
    display: "Opioid dependence",
    icd10: "F11.20",
    plain: "opioid use disorder",
    label: "SUD",
    risk: { women: 0.012, men: 0.02, from: 18, to: 50 },
    visitsPerYear: 4,
    panels: [],
    specialist: "addictionMedicine",
    effect: {},
    ladder: [{ afterDays: 0, medicine: "buprenorphineNaloxone" }],
    talk: ["has not used since the last visit", "goes to group on Thursdays"],
  },
  alcoholUse: {
    snomed: "66590003",
    display: "Alcohol dependence",
    icd10: "F10.20",
    plain: "alcohol use disorder",
    label: "SUD",
    risk: { women: 0.018, men: 0.035, from: 22, to: 62 },
    visitsPerYear: 2,
    panels: ["metabolic"],
    specialist: "addictionMedicine",
    effect: { systolic: 5, triglycerides: 35 },
    ladder: [{ afterDays: 10, medicine: "naltrexone" }],
    talk: ["had one slip at a wedding and called the next day", "has eleven weeks without a drink"],
  },
  hiv: {
    snomed: "86406008",
    display: "Human immunodeficiency virus infection",
    icd10: "B20",
    plain: "HIV",
    label: "HIV",
    risk: { women: 0.004, men: 0.01, from: 19, to: 55 },
    visitsPerYear: 2,
    panels: ["hiv", "metabolic"],
    specialist: "infectiousDisease",
    effect: { viralLoad: 60_000, cd4: -380 },
    ladder: [{ afterDays: 4, medicine: "bictegravirCombination" }],
    talk: ["has not missed a tablet since the last visit"],
  },
} as const satisfies Readonly<Record<string, Ailment>>;

export const ailmentKeys: readonly AilmentKey[] = Object.keys(ailments).filter(isAilmentKey);

function isAilmentKey(text: string): text is AilmentKey {
  return Object.hasOwn(ailments, text);
}

/** By key, with every optional part in reach of the type. */
export function ailment(key: AilmentKey): Ailment {
  return ailments[key];
}
