import { done, type Outcome } from "../api/failure.ts";
import type { Records } from "../api/records.ts";
import {
  readAllergy,
  readImmunisation,
  readMedicine,
  readProblem,
  type Allergy,
  type Immunisation,
  type Medicine,
  type Problem,
} from "../fhir/chart.ts";
import { at, isObject, list, text } from "../fhir/json.ts";
import { readObservation, type Observed } from "../fhir/observation.ts";
import { readPatient } from "../fhir/patient.ts";
import { groupByTest } from "../fhir/tests.ts";
import { sectionSearch } from "../pages/record/sections.ts";

/** What is kept of a record: what goes on now, the shots, and each test's newest value. */
export interface Summary {
  readonly name: string;
  readonly born: string | null;
  /** When it was fetched: ISO 8601. */
  readonly takenAt: string;
  readonly problems: readonly Problem[];
  readonly medicines: readonly Medicine[];
  readonly allergies: readonly Allergy[];
  readonly immunisations: readonly Immunisation[];
  readonly results: readonly Observed[];
  /** Whether the record holds more of these than was asked for. */
  readonly isPart: boolean;
}

/** Of each kind. */
const mostKept = 200;

/** Fetches it through the same searches as the pages: each is decided on and stands in the log. */
export async function fetchSummary(
  records: Records,
  patient: string,
  takenAt: string,
): Promise<Outcome<Summary>> {
  const search = <T>(
    type: string,
    read: (resource: unknown) => T | null,
    more: Readonly<Record<string, string>> = {},
  ) => records.search(sectionSearch(type, patient, more), read);
  const tests = (category: string) =>
    search("Observation", readObservation, { category, _sort: "-date" });
  const person = await records.resource(`/fhir/Patient/${encodeURIComponent(patient)}`);
  if (!person.ok) return person;
  const problems = await search("Condition", readProblem);
  if (!problems.ok) return problems;
  const medicines = await search("MedicationRequest", readMedicine);
  if (!medicines.ok) return medicines;
  const allergies = await search("AllergyIntolerance", readAllergy);
  if (!allergies.ok) return allergies;
  const immunisations = await search("Immunization", readImmunisation);
  if (!immunisations.ok) return immunisations;
  const lab = await tests("laboratory");
  if (!lab.ok) return lab;
  const vital = await tests("vital-signs");
  if (!vital.ok) return vital;
  const who = readPatient(person.value);
  const slices = [problems, medicines, allergies, immunisations, lab, vital];
  const observed = [...lab.value.items, ...vital.value.items];
  return done({
    name: who?.name ?? "",
    born: who?.born ?? null,
    takenAt,
    problems: problems.value.items.filter(({ isActive }) => isActive).slice(0, mostKept),
    medicines: medicines.value.items.filter(({ isActive }) => isActive).slice(0, mostKept),
    allergies: allergies.value.items.filter(({ isActive }) => isActive).slice(0, mostKept),
    immunisations: immunisations.value.items.filter(({ wasGiven }) => wasGiven).slice(0, mostKept),
    results: groupByTest(observed)
      .map(({ latest }) => latest)
      .slice(0, mostKept),
    isPart: slices.some(({ value }) => value.next !== null || value.items.length > mostKept),
  });
}

const parts = ["problems", "medicines", "allergies", "immunisations", "results"] as const;

/** What was opened, as it was sealed; null when it has another shape, as from an older version. */
export function readSummary(value: unknown): Summary | null {
  const isWhole =
    isObject(value) &&
    typeof value["name"] === "string" &&
    text(at(value, "takenAt")) !== null &&
    typeof value["isPart"] === "boolean" &&
    parts.every(
      (part) =>
        Array.isArray(value[part]) &&
        list(value[part]).every((item) => text(at(item, "id")) !== null),
    );
  return isWhole ? (value as unknown as Summary) : null;
}
