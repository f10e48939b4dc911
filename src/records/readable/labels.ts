/** What R4's types are called in a copy that a person reads; others by their own name in words. */
const typeWords: Readonly<Record<string, string>> = {
  AllergyIntolerance: "Allergies",
  Appointment: "Appointments",
  Binary: "Files",
  CarePlan: "Care plans",
  CareTeam: "Care team",
  Claim: "Bills",
  Communication: "Messages",
  Condition: "Health problems",
  Consent: "Consents",
  Coverage: "Insurance",
  Device: "Devices",
  DiagnosticReport: "Test reports",
  DocumentReference: "Documents",
  Encounter: "Visits",
  ExplanationOfBenefit: "What insurance paid",
  FamilyMemberHistory: "Family history",
  Goal: "Goals",
  ImagingStudy: "Images",
  Immunization: "Vaccines",
  Location: "Places",
  Medication: "Medicines by name",
  MedicationAdministration: "Medicines given",
  MedicationRequest: "Medicines ordered",
  MedicationStatement: "Medicines taken",
  Observation: "Test results and measurements",
  Organization: "Organizations",
  Patient: "About you",
  Practitioner: "People who cared for you",
  PractitionerRole: "Roles of people who cared for you",
  Procedure: "Procedures",
  Provenance: "Who entered what",
  QuestionnaireResponse: "Forms you filled in",
  RelatedPerson: "Family and contacts",
  ServiceRequest: "Orders",
};

/** `bodySite` → "Body site". */
export function wordsOf(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
}

export const typeLabel = (type: string): string => typeWords[type] ?? wordsOf(type);

/** R4's elements of a choice of types, `value[x]` and its like: the type in their name says nothing to a person. */
const choices = new Set([
  "abatement",
  "age",
  "allowed",
  "asNeeded",
  "born",
  "collected",
  "content",
  "deceased",
  "diagnosis",
  "dose",
  "due",
  "effective",
  "event",
  "fastingStatus",
  "identified",
  "item",
  "location",
  "medication",
  "multipleBirth",
  "occurrence",
  "onset",
  "performed",
  "procedure",
  "product",
  "rate",
  "reported",
  "scheduled",
  "serviced",
  "source",
  "statusReason",
  "target",
  "time",
  "timing",
  "used",
  "value",
]);
const choiceTypes = new Set([
  "Age",
  "Annotation",
  "Attachment",
  "Boolean",
  "Canonical",
  "Code",
  "CodeableConcept",
  "Coding",
  "Date",
  "DateTime",
  "Decimal",
  "Duration",
  "Identifier",
  "Instant",
  "Integer",
  "Money",
  "Period",
  "Quantity",
  "Range",
  "Ratio",
  "Reference",
  "SampledData",
  "String",
  "Time",
  "Timing",
  "Uri",
]);

/** The name of an element as a person reads it. */
export function elementLabel(name: string): string {
  for (let at = name.length - 1; at > 0; at -= 1)
    if (choiceTypes.has(name.slice(at)) && choices.has(name.slice(0, at)))
      return wordsOf(name.slice(0, at));
  return wordsOf(name);
}
