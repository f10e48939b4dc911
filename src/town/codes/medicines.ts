import type { MeasureKey } from "#town/codes/measures.ts";

export interface Medicine {
  readonly rxnorm: string;
  /** RxNorm's name of that code: a clinical drug, or its ingredient. */
  readonly display: string;
  readonly plain: string;
  readonly directions: string;
  /** Times in `perHours`; a medicine taken only when needed has none. */
  readonly times?: number;
  readonly perHours?: number;
  readonly asNeeded?: boolean;
  /** What it does to the body once it has worked for a while. */
  readonly effect?: Readonly<Partial<Record<MeasureKey, number>>>;
}

const daily = { directions: "Take 1 by mouth once a day", times: 1, perHours: 24 } as const;
const twice = { directions: "Take 1 by mouth twice a day", times: 2, perHours: 24 } as const;
const needed = { asNeeded: true } as const;

export type MedicineKey = keyof typeof medicines;

export const medicines = {
  lisinopril10: {
    rxnorm: "314076",
    display: "lisinopril 10 MG Oral Tablet",
    plain: "lisinopril 10 mg",
    ...daily,
    effect: { systolic: -12, diastolic: -7, albuminRatio: -14, potassium: 0.2 },
  },
  lisinopril20: {
    rxnorm: "314077",
    display: "lisinopril 20 MG Oral Tablet",
    plain: "lisinopril 20 mg",
    ...daily,
    effect: { systolic: -17, diastolic: -9, albuminRatio: -20, potassium: 0.2 },
  },
  losartan50: {
    rxnorm: "979492",
    display: "losartan potassium 50 MG Oral Tablet",
    plain: "losartan 50 mg",
    ...daily,
    effect: { systolic: -12, diastolic: -7, albuminRatio: -14, potassium: 0.2 },
  },
  amlodipine5: {
    rxnorm: "197361",
    display: "amlodipine 5 MG Oral Tablet",
    plain: "amlodipine 5 mg",
    ...daily,
    effect: { systolic: -9, diastolic: -5 },
  },
  hydrochlorothiazide25: {
    rxnorm: "310798",
    display: "hydrochlorothiazide 25 MG Oral Tablet",
    plain: "hydrochlorothiazide 25 mg",
    ...daily,
    effect: { systolic: -8, diastolic: -4, potassium: -0.3, sodium: -1 },
  },
  metformin500: {
    rxnorm: "861007",
    display: "metformin hydrochloride 500 MG Oral Tablet",
    plain: "metformin 500 mg",
    directions: "Take 1 by mouth twice a day with meals",
    times: 2,
    perHours: 24,
    effect: { hba1c: -1.2, glucose: -32, weight: -1.5 },
  },
  empagliflozin10: {
    rxnorm: "1545658",
    display: "empagliflozin 10 MG Oral Tablet",
    plain: "empagliflozin 10 mg",
    directions: "Take 1 by mouth every morning",
    times: 1,
    perHours: 24,
    effect: { hba1c: -0.7, glucose: -20, systolic: -3, weight: -2.2 },
  },
  insulinGlargine: {
    rxnorm: "311041",
    display: "insulin glargine 100 UNT/ML Injectable Solution",
    plain: "insulin glargine",
    directions: "Inject under the skin once a day at bedtime",
    times: 1,
    perHours: 24,
    effect: { hba1c: -1.3, glucose: -38, weight: 2 },
  },
  atorvastatin20: {
    rxnorm: "617310",
    display: "atorvastatin 20 MG Oral Tablet",
    plain: "atorvastatin 20 mg",
    directions: "Take 1 by mouth every evening",
    times: 1,
    perHours: 24,
    effect: { ldl: -58, triglycerides: -26, hdl: 3 },
  },
  atorvastatin40: {
    rxnorm: "617311",
    display: "atorvastatin 40 MG Oral Tablet",
    plain: "atorvastatin 40 mg",
    directions: "Take 1 by mouth every evening",
    times: 1,
    perHours: 24,
    effect: { ldl: -70, triglycerides: -32, hdl: 3 },
  },
  levothyroxine: {
    rxnorm: "10582",
    display: "levothyroxine",
    plain: "levothyroxine",
    directions: "Take 1 by mouth every morning on an empty stomach",
    times: 1,
    perHours: 24,
    effect: { tsh: -8.5, freeT4: 0.5 },
  },
  sertraline50: {
    rxnorm: "312941",
    display: "sertraline 50 MG Oral Tablet",
    plain: "sertraline 50 mg",
    ...daily,
    effect: { phq9: -8 },
  },
  fluoxetine20: {
    rxnorm: "310385",
    display: "fluoxetine 20 MG Oral Capsule",
    plain: "fluoxetine 20 mg",
    directions: "Take 1 by mouth every morning",
    times: 1,
    perHours: 24,
    effect: { phq9: -7 },
  },
  albuterol: {
    rxnorm: "745679",
    display: "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler",
    plain: "albuterol inhaler",
    directions: "Inhale 2 puffs every 4 to 6 hours when needed for wheezing",
    ...needed,
  },
  fluticasone: {
    rxnorm: "895994",
    display: "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler",
    plain: "fluticasone inhaler",
    directions: "Inhale 2 puffs twice a day and rinse the mouth afterwards",
    times: 2,
    perHours: 24,
  },
  fluticasoneSalmeterol: {
    rxnorm: "896209",
    display:
      "60 ACTUAT fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler",
    plain: "fluticasone and salmeterol inhaler",
    directions: "Inhale 1 puff twice a day and rinse the mouth afterwards",
    times: 2,
    perHours: 24,
    effect: { saturation: 1.2 },
  },
  omeprazole20: {
    rxnorm: "198051",
    display: "omeprazole 20 MG Delayed Release Oral Capsule",
    plain: "omeprazole 20 mg",
    directions: "Take 1 by mouth every morning before breakfast",
    times: 1,
    perHours: 24,
  },
  loratadine10: {
    rxnorm: "311372",
    display: "loratadine 10 MG Oral Tablet",
    plain: "loratadine 10 mg",
    ...daily,
  },
  naproxen500: {
    rxnorm: "198014",
    display: "naproxen 500 MG Oral Tablet",
    plain: "naproxen 500 mg",
    directions: "Take 1 by mouth twice a day with food when needed for pain",
    ...needed,
  },
  ibuprofen200: {
    rxnorm: "310965",
    display: "ibuprofen 200 MG Oral Tablet",
    plain: "ibuprofen 200 mg",
    directions: "Take 1 or 2 by mouth every 6 hours with food when needed for pain",
    ...needed,
  },
  acetaminophen325: {
    rxnorm: "313782",
    display: "acetaminophen 325 MG Oral Tablet",
    plain: "acetaminophen 325 mg",
    directions: "Take 2 by mouth every 6 hours when needed for pain or fever",
    ...needed,
  },
  amoxicillin250: {
    rxnorm: "308182",
    display: "amoxicillin 250 MG Oral Capsule",
    plain: "amoxicillin 250 mg",
    directions: "Take 1 by mouth three times a day for ten days",
    times: 3,
    perHours: 24,
  },
  azithromycin250: {
    rxnorm: "308460",
    display: "azithromycin 250 MG Oral Tablet",
    plain: "azithromycin 250 mg",
    directions: "Take 2 by mouth on the first day, then 1 a day for four days",
    times: 1,
    perHours: 24,
  },
  trimethoprimSulfa: {
    rxnorm: "198335",
    display: "sulfamethoxazole 800 MG / trimethoprim 160 MG Oral Tablet",
    plain: "sulfamethoxazole with trimethoprim",
    ...twice,
  },
  prednisone5: {
    rxnorm: "312617",
    display: "prednisone 5 MG Oral Tablet",
    plain: "prednisone 5 mg",
    directions: "Take 4 by mouth every morning for five days",
    times: 1,
    perHours: 24,
  },
  aspirin81: {
    rxnorm: "243670",
    display: "aspirin 81 MG Oral Tablet",
    plain: "aspirin 81 mg",
    ...daily,
  },
  clopidogrel75: {
    rxnorm: "309362",
    display: "clopidogrel 75 MG Oral Tablet",
    plain: "clopidogrel 75 mg",
    ...daily,
  },
  metoprolol: {
    rxnorm: "866924",
    display: "metoprolol tartrate 25 MG Oral Tablet",
    plain: "metoprolol 25 mg",
    ...twice,
    effect: { systolic: -7, heartRate: -11 },
  },
  furosemide40: {
    rxnorm: "313988",
    display: "furosemide 40 MG Oral Tablet",
    plain: "furosemide 40 mg",
    ...daily,
    effect: { potassium: -0.3, weight: -2.5 },
  },
  warfarin5: {
    rxnorm: "855332",
    display: "warfarin sodium 5 MG Oral Tablet",
    plain: "warfarin 5 mg",
    directions: "Take by mouth every evening as the clinic tells you after each blood test",
    times: 1,
    perHours: 24,
  },
  alendronate10: {
    rxnorm: "904419",
    display: "alendronic acid 10 MG Oral Tablet",
    plain: "alendronic acid 10 mg",
    directions:
      "Take 1 by mouth every morning with a full glass of water and stay upright for half an hour",
    times: 1,
    perHours: 24,
  },
  ferrousSulfate: {
    rxnorm: "310325",
    display: "ferrous sulfate 325 MG Oral Tablet",
    plain: "iron (ferrous sulfate) 325 mg",
    ...daily,
    effect: { haemoglobin: 2.1 },
  },
  gabapentin300: {
    rxnorm: "310431",
    display: "gabapentin 300 MG Oral Capsule",
    plain: "gabapentin 300 mg",
    directions: "Take 1 by mouth three times a day",
    times: 3,
    perHours: 24,
  },
  allopurinol100: {
    rxnorm: "197319",
    display: "allopurinol 100 MG Oral Tablet",
    plain: "allopurinol 100 mg",
    ...daily,
  },
  donepezil10: {
    rxnorm: "997223",
    display: "donepezil hydrochloride 10 MG Oral Tablet",
    plain: "donepezil 10 mg",
    directions: "Take 1 by mouth at bedtime",
    times: 1,
    perHours: 24,
  },
  tamoxifen: { rxnorm: "10324", display: "tamoxifen", plain: "tamoxifen", ...daily },
  buprenorphineNaloxone: {
    rxnorm: "351267",
    display: "buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet",
    plain: "buprenorphine with naloxone 8 mg/2 mg",
    directions: "Dissolve 1 under the tongue once a day",
    times: 1,
    perHours: 24,
  },
  naltrexone: { rxnorm: "7243", display: "naltrexone", plain: "naltrexone", ...daily },
  bictegravirCombination: {
    rxnorm: "1999667",
    display: "bictegravir 50 MG / emtricitabine 200 MG / tenofovir alafenamide 25 MG Oral Tablet",
    plain: "bictegravir with emtricitabine and tenofovir",
    ...daily,
    effect: { viralLoad: -60_000, cd4: 330 },
  },
  methylphenidate20: {
    rxnorm: "1091392",
    display: "methylphenidate hydrochloride 20 MG Oral Tablet",
    plain: "methylphenidate 20 mg",
    directions: "Take 1 by mouth every morning",
    times: 1,
    perHours: 24,
    effect: { heartRate: 3 },
  },
  epinephrine: {
    rxnorm: "1870230",
    display: "NDA020800 0.3 ML epinephrine 1 MG/ML Auto-Injector",
    plain: "epinephrine auto-injector",
    directions: "Inject into the outer thigh at the first sign of a severe reaction, then call 911",
    ...needed,
  },
} as const satisfies Readonly<Record<string, Medicine>>;

/** By key, with every optional part in reach of the type. */
export function medicine(key: MedicineKey): Medicine {
  return medicines[key];
}
