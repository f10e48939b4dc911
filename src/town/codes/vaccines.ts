export interface Vaccine {
  readonly cvx: string;
  readonly display: string;
  readonly plain: string;
}

export type VaccineKey =
  | "hepatitisB"
  | "rotavirus"
  | "dtap"
  | "hib"
  | "pneumococcal13"
  | "polio"
  | "mmr"
  | "varicella"
  | "hepatitisA"
  | "tdap"
  | "hpv"
  | "meningococcal"
  | "influenza"
  | "pneumococcal20"
  | "zoster"
  | "covid19";

export const vaccines: Readonly<Record<VaccineKey, Vaccine>> = {
  hepatitisB: { cvx: "08", display: "Hep B, adolescent or pediatric", plain: "hepatitis B" },
  rotavirus: { cvx: "119", display: "rotavirus, monovalent", plain: "rotavirus" },
  dtap: { cvx: "20", display: "DTaP", plain: "diphtheria, tetanus and whooping cough" },
  hib: { cvx: "49", display: "Hib (PRP-OMP)", plain: "Hib" },
  pneumococcal13: { cvx: "133", display: "Pneumococcal conjugate PCV 13", plain: "pneumococcal" },
  polio: { cvx: "10", display: "IPV", plain: "polio" },
  mmr: { cvx: "03", display: "MMR", plain: "measles, mumps and rubella" },
  varicella: { cvx: "21", display: "varicella", plain: "chickenpox" },
  hepatitisA: { cvx: "83", display: "Hep A, ped/adol, 2 dose", plain: "hepatitis A" },
  tdap: { cvx: "115", display: "Tdap", plain: "tetanus, diphtheria and whooping cough booster" },
  hpv: { cvx: "165", display: "HPV9", plain: "HPV" },
  meningococcal: { cvx: "114", display: "meningococcal MCV4P", plain: "meningococcal" },
  influenza: {
    cvx: "140",
    display: "Influenza, seasonal, injectable, preservative free",
    plain: "flu",
  },
  pneumococcal20: {
    cvx: "216",
    display: "Pneumococcal conjugate PCV20, polysaccharide CRM197 conjugate, adjuvant, PF",
    plain: "pneumococcal",
  },
  zoster: { cvx: "187", display: "zoster recombinant", plain: "shingles" },
  covid19: { cvx: "213", display: "SARS-COV-2 (COVID-19) vaccine, UNSPECIFIED", plain: "COVID-19" },
};

/** Ages in months at which a child is due, as the usual schedule has it. */
export const childhoodSchedule: readonly {
  readonly month: number;
  readonly give: readonly VaccineKey[];
}[] = [
  { month: 0, give: ["hepatitisB"] },
  { month: 2, give: ["hepatitisB", "rotavirus", "dtap", "hib", "pneumococcal13", "polio"] },
  { month: 4, give: ["rotavirus", "dtap", "hib", "pneumococcal13", "polio"] },
  { month: 6, give: ["hepatitisB", "dtap", "pneumococcal13"] },
  { month: 12, give: ["mmr", "varicella", "hepatitisA", "hib"] },
  { month: 15, give: ["dtap", "pneumococcal13", "polio"] },
  { month: 24, give: ["hepatitisA"] },
  { month: 50, give: ["dtap", "polio", "mmr", "varicella"] },
  { month: 134, give: ["tdap", "hpv", "meningococcal"] },
  { month: 141, give: ["hpv"] },
  { month: 194, give: ["meningococcal"] },
];
