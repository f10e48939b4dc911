/** What is measured of a body: vital signs and laboratory results. */
export interface Measure {
  readonly loinc: string;
  readonly display: string;
  readonly name: string;
  readonly unit: string;
  readonly ucum: string;
  readonly decimals: number;
  /** Reference range; a side that is absent has no bound. */
  readonly low?: number;
  readonly high?: number;
  /** Typical healthy adult, how people differ from each other, and one person from day to day. */
  readonly typical: number;
  readonly spread: number;
  readonly wobble: number;
  /** Added for men; a healthy value of theirs lies so much higher. */
  readonly men?: number;
  /** Added for each year past forty. */
  readonly perYearPast40?: number;
  readonly least: number;
  readonly most: number;
}

export type MeasureKey =
  | "systolic"
  | "diastolic"
  | "heartRate"
  | "temperature"
  | "saturation"
  | "breathing"
  | "hba1c"
  | "glucose"
  | "hdl"
  | "ldl"
  | "triglycerides"
  | "cholesterol"
  | "creatinine"
  | "egfr"
  | "urea"
  | "sodium"
  | "potassium"
  | "albuminRatio"
  | "tsh"
  | "freeT4"
  | "leukocytes"
  | "haemoglobin"
  | "haematocrit"
  | "platelets"
  | "viralLoad"
  | "cd4"
  | "phq9"
  | "psa"
  | "weight"
  | "height"
  | "bmi";

const perDecilitre = { unit: "mg/dL", ucum: "mg/dL" } as const;

export const measures: Readonly<Record<MeasureKey, Measure>> = {
  systolic: {
    loinc: "8480-6",
    display: "Systolic blood pressure",
    name: "systolic pressure",
    unit: "mmHg",
    ucum: "mm[Hg]",
    decimals: 0,
    low: 90,
    high: 129,
    typical: 116,
    spread: 7,
    wobble: 6,
    men: 3,
    perYearPast40: 0.3,
    least: 78,
    most: 220,
  },
  diastolic: {
    loinc: "8462-4",
    display: "Diastolic blood pressure",
    name: "diastolic pressure",
    unit: "mmHg",
    ucum: "mm[Hg]",
    decimals: 0,
    low: 60,
    high: 84,
    typical: 73,
    spread: 5,
    wobble: 4,
    men: 2,
    perYearPast40: 0.05,
    least: 45,
    most: 125,
  },
  heartRate: {
    loinc: "8867-4",
    display: "Heart rate",
    name: "pulse",
    unit: "beats/min",
    ucum: "/min",
    decimals: 0,
    low: 55,
    high: 100,
    typical: 72,
    spread: 7,
    wobble: 5,
    least: 44,
    most: 160,
  },
  temperature: {
    loinc: "8310-5",
    display: "Body temperature",
    name: "temperature",
    unit: "°C",
    ucum: "Cel",
    decimals: 1,
    low: 36,
    high: 37.6,
    typical: 36.7,
    spread: 0.15,
    wobble: 0.2,
    least: 35.4,
    most: 40.4,
  },
  saturation: {
    loinc: "59408-5",
    display: "Oxygen saturation in Arterial blood by Pulse oximetry",
    name: "oxygen saturation",
    unit: "%",
    ucum: "%",
    decimals: 0,
    low: 94,
    high: 100,
    typical: 98,
    spread: 0.6,
    wobble: 0.6,
    least: 82,
    most: 100,
  },
  breathing: {
    loinc: "9279-1",
    display: "Respiratory rate",
    name: "breaths",
    unit: "breaths/min",
    ucum: "/min",
    decimals: 0,
    low: 12,
    high: 20,
    typical: 15,
    spread: 1.2,
    wobble: 1.2,
    least: 9,
    most: 40,
  },
  hba1c: {
    loinc: "4548-4",
    display: "Hemoglobin A1c/Hemoglobin.total in Blood",
    name: "HbA1c",
    unit: "%",
    ucum: "%",
    decimals: 1,
    low: 4,
    high: 5.6,
    typical: 5.2,
    spread: 0.18,
    wobble: 0.12,
    perYearPast40: 0.005,
    least: 4,
    most: 14,
  },
  glucose: {
    loinc: "2345-7",
    display: "Glucose [Mass/volume] in Serum or Plasma",
    name: "glucose",
    ...perDecilitre,
    decimals: 0,
    low: 70,
    high: 99,
    typical: 88,
    spread: 5,
    wobble: 6,
    least: 52,
    most: 420,
  },
  hdl: {
    loinc: "2085-9",
    display: "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
    name: "HDL cholesterol",
    ...perDecilitre,
    decimals: 0,
    low: 40,
    typical: 57,
    spread: 9,
    wobble: 3,
    men: -8,
    least: 22,
    most: 105,
  },
  ldl: {
    loinc: "13457-7",
    display: "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
    name: "LDL cholesterol",
    ...perDecilitre,
    decimals: 0,
    high: 129,
    typical: 104,
    spread: 14,
    wobble: 6,
    perYearPast40: 0.2,
    least: 28,
    most: 290,
  },
  triglycerides: {
    loinc: "2571-8",
    display: "Triglyceride [Mass/volume] in Serum or Plasma",
    name: "triglycerides",
    ...perDecilitre,
    decimals: 0,
    high: 149,
    typical: 102,
    spread: 22,
    wobble: 15,
    least: 34,
    most: 390,
  },
  cholesterol: {
    loinc: "2093-3",
    display: "Cholesterol [Mass/volume] in Serum or Plasma",
    name: "total cholesterol",
    ...perDecilitre,
    decimals: 0,
    high: 199,
    typical: 180,
    spread: 0,
    wobble: 0,
    least: 90,
    most: 420,
  },
  creatinine: {
    loinc: "2160-0",
    display: "Creatinine [Mass/volume] in Serum or Plasma",
    name: "creatinine",
    ...perDecilitre,
    decimals: 2,
    low: 0.5,
    high: 1.2,
    typical: 0.76,
    spread: 0.08,
    wobble: 0.04,
    men: 0.16,
    perYearPast40: 0.002,
    least: 0.2,
    most: 6,
  },
  egfr: {
    loinc: "98979-8",
    display:
      "Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI 2021)/1.73 sq M",
    name: "kidney filtration (eGFR)",
    unit: "mL/min/1.73m2",
    ucum: "mL/min/{1.73_m2}",
    decimals: 0,
    low: 60,
    typical: 95,
    spread: 0,
    wobble: 0,
    least: 6,
    most: 150,
  },
  urea: {
    loinc: "3094-0",
    display: "Urea nitrogen [Mass/volume] in Serum or Plasma",
    name: "urea nitrogen",
    ...perDecilitre,
    decimals: 0,
    low: 7,
    high: 20,
    typical: 13,
    spread: 2,
    wobble: 2,
    perYearPast40: 0.05,
    least: 4,
    most: 90,
  },
  sodium: {
    loinc: "2951-2",
    display: "Sodium [Moles/volume] in Serum or Plasma",
    name: "sodium",
    unit: "mmol/L",
    ucum: "mmol/L",
    decimals: 0,
    low: 136,
    high: 145,
    typical: 140,
    spread: 1.2,
    wobble: 1,
    least: 124,
    most: 152,
  },
  potassium: {
    loinc: "2823-3",
    display: "Potassium [Moles/volume] in Serum or Plasma",
    name: "potassium",
    unit: "mmol/L",
    ucum: "mmol/L",
    decimals: 1,
    low: 3.5,
    high: 5.1,
    typical: 4.2,
    spread: 0.2,
    wobble: 0.18,
    least: 2.8,
    most: 6.4,
  },
  albuminRatio: {
    loinc: "9318-7",
    display: "Albumin/Creatinine [Mass Ratio] in Urine",
    name: "urine albumin to creatinine",
    unit: "mg/g",
    ucum: "mg/g{creat}",
    decimals: 0,
    high: 29,
    typical: 11,
    spread: 3,
    wobble: 3,
    least: 2,
    most: 1800,
  },
  tsh: {
    loinc: "3016-3",
    display: "Thyrotropin [Units/volume] in Serum or Plasma",
    name: "TSH",
    unit: "m[IU]/L",
    ucum: "m[IU]/L",
    decimals: 2,
    low: 0.4,
    high: 4.5,
    typical: 1.9,
    spread: 0.45,
    wobble: 0.25,
    least: 0.05,
    most: 60,
  },
  freeT4: {
    loinc: "3024-7",
    display: "Thyroxine (T4) free [Mass/volume] in Serum or Plasma",
    name: "free T4",
    unit: "ng/dL",
    ucum: "ng/dL",
    decimals: 2,
    low: 0.8,
    high: 1.8,
    typical: 1.2,
    spread: 0.09,
    wobble: 0.06,
    least: 0.2,
    most: 4,
  },
  leukocytes: {
    loinc: "6690-2",
    display: "Leukocytes [#/volume] in Blood by Automated count",
    name: "white cells",
    unit: "10*3/uL",
    ucum: "10*3/uL",
    decimals: 1,
    low: 4,
    high: 11,
    typical: 6.8,
    spread: 1,
    wobble: 0.6,
    least: 1.4,
    most: 26,
  },
  haemoglobin: {
    loinc: "718-7",
    display: "Hemoglobin [Mass/volume] in Blood",
    name: "hemoglobin",
    unit: "g/dL",
    ucum: "g/dL",
    decimals: 1,
    low: 12,
    high: 17,
    typical: 13.4,
    spread: 0.5,
    wobble: 0.3,
    men: 1.4,
    least: 6.2,
    most: 19,
  },
  haematocrit: {
    loinc: "4544-3",
    display: "Hematocrit [Volume Fraction] of Blood by Automated count",
    name: "hematocrit",
    unit: "%",
    ucum: "%",
    decimals: 1,
    low: 36,
    high: 50,
    typical: 40,
    spread: 0,
    wobble: 0,
    least: 18,
    most: 58,
  },
  platelets: {
    loinc: "777-3",
    display: "Platelets [#/volume] in Blood by Automated count",
    name: "platelets",
    unit: "10*3/uL",
    ucum: "10*3/uL",
    decimals: 0,
    low: 150,
    high: 400,
    typical: 250,
    spread: 32,
    wobble: 18,
    least: 40,
    most: 640,
  },
  viralLoad: {
    loinc: "20447-9",
    display: "HIV 1 RNA [#/volume] (viral load) in Serum or Plasma by NAA with probe detection",
    name: "HIV viral load",
    unit: "copies/mL",
    ucum: "{copies}/mL",
    decimals: 0,
    high: 49,
    typical: 0,
    spread: 0,
    wobble: 6,
    least: 20,
    most: 900_000,
  },
  cd4: {
    loinc: "24467-3",
    display: "CD3+CD4+ (T4 helper) cells [#/volume] in Blood",
    name: "CD4 cells",
    unit: "cells/uL",
    ucum: "{cells}/uL",
    decimals: 0,
    low: 500,
    high: 1500,
    typical: 840,
    spread: 90,
    wobble: 45,
    least: 20,
    most: 1800,
  },
  phq9: {
    loinc: "44261-6",
    display: "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]",
    name: "PHQ-9 score",
    unit: "{score}",
    ucum: "{score}",
    decimals: 0,
    high: 4,
    typical: 2,
    spread: 1,
    wobble: 1.2,
    least: 0,
    most: 27,
  },
  psa: {
    loinc: "2857-1",
    display: "Prostate specific Ag [Mass/volume] in Serum or Plasma",
    name: "PSA",
    unit: "ng/mL",
    ucum: "ng/mL",
    decimals: 1,
    high: 4,
    typical: 1,
    spread: 0.3,
    wobble: 0.2,
    perYearPast40: 0.04,
    least: 0.1,
    most: 80,
  },
  weight: {
    loinc: "29463-7",
    display: "Body weight",
    name: "weight",
    unit: "kg",
    ucum: "kg",
    decimals: 1,
    typical: 0,
    spread: 0,
    wobble: 0.7,
    least: 1.8,
    most: 190,
  },
  height: {
    loinc: "8302-2",
    display: "Body height",
    name: "height",
    unit: "cm",
    ucum: "cm",
    decimals: 1,
    typical: 0,
    spread: 0,
    wobble: 0.2,
    least: 42,
    most: 208,
  },
  bmi: {
    loinc: "39156-5",
    display: "Body mass index (BMI) [Ratio]",
    name: "body mass index",
    unit: "kg/m2",
    ucum: "kg/m2",
    decimals: 1,
    low: 18.5,
    high: 24.9,
    typical: 25.5,
    spread: 2.6,
    wobble: 0,
    least: 10,
    most: 60,
  },
};

export interface Panel {
  readonly loinc: string;
  readonly display: string;
  readonly members: readonly MeasureKey[];
  /** Not ordered anew before so many days have passed. */
  readonly everyDays: number;
}

export type PanelKey =
  | "lipids"
  | "metabolic"
  | "hba1c"
  | "kidney"
  | "thyroid"
  | "bloodCount"
  | "hiv"
  | "psa";

export const panels: Readonly<Record<PanelKey, Panel>> = {
  lipids: {
    loinc: "24331-1",
    display: "Lipid 1996 panel - Serum or Plasma",
    members: ["cholesterol", "triglycerides", "hdl", "ldl"],
    everyDays: 540,
  },
  metabolic: {
    loinc: "24321-2",
    display: "Basic metabolic 2000 panel - Serum or Plasma",
    members: ["glucose", "urea", "creatinine", "egfr", "sodium", "potassium"],
    everyDays: 420,
  },
  hba1c: {
    loinc: "4548-4",
    display: "Hemoglobin A1c/Hemoglobin.total in Blood",
    members: ["hba1c"],
    everyDays: 80,
  },
  kidney: {
    loinc: "9318-7",
    display: "Albumin/Creatinine [Mass Ratio] in Urine",
    members: ["albuminRatio"],
    everyDays: 340,
  },
  thyroid: {
    loinc: "3016-3",
    display: "Thyrotropin [Units/volume] in Serum or Plasma",
    members: ["tsh", "freeT4"],
    everyDays: 150,
  },
  bloodCount: {
    loinc: "58410-2",
    display: "CBC panel - Blood by Automated count",
    members: ["leukocytes", "haemoglobin", "haematocrit", "platelets"],
    everyDays: 500,
  },
  hiv: {
    loinc: "20447-9",
    display: "HIV 1 RNA [#/volume] (viral load) in Serum or Plasma by NAA with probe detection",
    members: ["viralLoad", "cd4"],
    everyDays: 150,
  },
  psa: {
    loinc: "2857-1",
    display: "Prostate specific Ag [Mass/volume] in Serum or Plasma",
    members: ["psa"],
    everyDays: 700,
  },
};
