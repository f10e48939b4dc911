import type { CodeableConcept, Coding } from "@medplum/fhirtypes";

export const systems = {
  loinc: "http://loinc.org",
  snomed: "http://snomed.info/sct",
  rxnorm: "http://www.nlm.nih.gov/research/umls/rxnorm",
  cvx: "http://hl7.org/fhir/sid/cvx",
  icd10: "http://hl7.org/fhir/sid/icd-10-cm",
  ucum: "http://unitsofmeasure.org",
  nucc: "http://nucc.org/provider-taxonomy",
  language: "urn:ietf:bcp:47",
} as const;

const hl7 = "http://terminology.hl7.org/CodeSystem";

/** A code of one of HL7's own terminologies, e.g. ("v3-ActCode", "AMB", "ambulatory"). */
export function hl7Coding(set: string, code: string, display?: string): Coding {
  const coding = { system: `${hl7}/${set}`, code };
  return display === undefined ? coding : { ...coding, display };
}

export function hl7Concept(set: string, code: string, display?: string): CodeableConcept {
  return { coding: [hl7Coding(set, code, display)] };
}

export function concept(
  system: keyof typeof systems,
  code: string,
  display: string,
  text: string = display,
): CodeableConcept {
  return { coding: [{ system: systems[system], code, display }], text };
}

/** Kinds of data that the law or the patient wants kept closer (HL7 v3 ActCode sensitivity). */
export type Sensitivity = "HIV" | "SUD" | "MH" | "STD";

const sensitivityNames: Readonly<Record<Sensitivity, string>> = {
  HIV: "HIV/AIDS information sensitivity",
  SUD: "substance use disorder information sensitivity",
  MH: "mental health information sensitivity",
  STD: "sexually transmitted disease information sensitivity",
};

export function sensitivityMeta(label: Sensitivity): { security: Coding[] } {
  return { security: [hl7Coding("v3-ActCode", label, sensitivityNames[label])] };
}
