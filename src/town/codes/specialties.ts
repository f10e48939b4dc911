export type Specialty =
  | "familyMedicine"
  | "internalMedicine"
  | "pediatrics"
  | "cardiology"
  | "endocrinology"
  | "pulmonology"
  | "psychiatry"
  | "obstetrics"
  | "orthopaedics"
  | "oncology"
  | "infectiousDisease"
  | "nephrology"
  | "addictionMedicine"
  | "allergy"
  | "neurology"
  | "emergencyMedicine"
  | "nursing"
  | "physicianAssistant"
  | "pharmacy"
  | "reception";

export interface Calling {
  /** NUCC provider taxonomy; the front desk has none. */
  readonly nucc?: string;
  readonly display: string;
  readonly title: string;
  readonly role: "doctor" | "nurse" | "pharmacist" | "staff";
}

export const callings: Readonly<Record<Specialty, Calling>> = {
  familyMedicine: {
    nucc: "207Q00000X",
    display: "Family Medicine Physician",
    title: "MD",
    role: "doctor",
  },
  internalMedicine: {
    nucc: "207R00000X",
    display: "Internal Medicine Physician",
    title: "MD",
    role: "doctor",
  },
  pediatrics: { nucc: "208000000X", display: "Pediatrics Physician", title: "MD", role: "doctor" },
  cardiology: {
    nucc: "207RC0000X",
    display: "Cardiovascular Disease Physician",
    title: "MD",
    role: "doctor",
  },
  endocrinology: {
    nucc: "207RE0101X",
    display: "Endocrinology, Diabetes & Metabolism Physician",
    title: "MD",
    role: "doctor",
  },
  pulmonology: {
    nucc: "207RP1001X",
    display: "Pulmonary Disease Physician",
    title: "MD",
    role: "doctor",
  },
  psychiatry: { nucc: "2084P0800X", display: "Psychiatry Physician", title: "MD", role: "doctor" },
  obstetrics: {
    nucc: "207V00000X",
    display: "Obstetrics & Gynecology Physician",
    title: "MD",
    role: "doctor",
  },
  orthopaedics: {
    nucc: "207X00000X",
    display: "Orthopaedic Surgery Physician",
    title: "MD",
    role: "doctor",
  },
  oncology: {
    nucc: "207RX0202X",
    display: "Medical Oncology Physician",
    title: "MD",
    role: "doctor",
  },
  infectiousDisease: {
    nucc: "207RI0200X",
    display: "Infectious Disease Physician",
    title: "MD",
    role: "doctor",
  },
  nephrology: { nucc: "207RN0300X", display: "Nephrology Physician", title: "MD", role: "doctor" },
  addictionMedicine: {
    nucc: "207QA0401X",
    display: "Addiction Medicine (Family Medicine) Physician",
    title: "MD",
    role: "doctor",
  },
  allergy: {
    nucc: "207K00000X",
    display: "Allergy & Immunology Physician",
    title: "MD",
    role: "doctor",
  },
  neurology: { nucc: "2084N0400X", display: "Neurology Physician", title: "MD", role: "doctor" },
  emergencyMedicine: {
    nucc: "207P00000X",
    display: "Emergency Medicine Physician",
    title: "MD",
    role: "doctor",
  },
  nursing: { nucc: "163W00000X", display: "Registered Nurse", title: "RN", role: "nurse" },
  physicianAssistant: {
    nucc: "363A00000X",
    display: "Physician Assistant",
    title: "PA-C",
    role: "doctor",
  },
  pharmacy: { nucc: "183500000X", display: "Pharmacist", title: "PharmD", role: "pharmacist" },
  reception: { display: "Front desk", title: "", role: "staff" },
};
