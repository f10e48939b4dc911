import { conceptCodes, conceptName, conceptText, referenceText } from "./concept.ts";
import { at, firstText, list, number, readEach, text } from "./json.ts";

/** An item of a section that stands for something going on now or something over. */
export interface Problem {
  readonly id: string;
  readonly name: string;
  readonly isActive: boolean;
  readonly since: string | null;
  readonly until: string | null;
  readonly notes: readonly string[];
}

const activeStates = new Set(["active", "recurrence", "relapse"]);

export function readProblem(resource: unknown): Problem | null {
  const id = text(at(resource, "id"));
  const name = conceptName(at(resource, "code"));
  if (id === null || name === null) return null;
  const states = conceptCodes(at(resource, "clinicalStatus"));
  const until = firstText(
    at(resource, "abatementDateTime"),
    at(resource, "abatementString"),
    at(resource, "abatementPeriod", "end"),
  );
  return {
    id,
    name,
    isActive: states.length === 0 ? until === null : states.some((code) => activeStates.has(code)),
    since: firstText(
      at(resource, "onsetDateTime"),
      at(resource, "onsetPeriod", "start"),
      at(resource, "onsetString"),
      at(resource, "recordedDate"),
    ),
    until,
    notes: notesOf(resource),
  };
}

export interface Medicine {
  readonly id: string;
  readonly name: string;
  readonly isActive: boolean;
  readonly since: string | null;
  /** How to take it, in the prescriber's words. */
  readonly directions: readonly string[];
  readonly reason: string | null;
  /** References such as "Condition/42" to what it is for. */
  readonly reasonsAt: readonly string[];
  readonly prescriber: string | null;
}

export function readMedicine(resource: unknown): Medicine | null {
  const id = text(at(resource, "id"));
  if (id === null) return null;
  const name = medicineName(resource);
  if (name === null) return null;
  const status = text(at(resource, "status"));
  return {
    id,
    name,
    isActive: status === "active" || status === "on-hold",
    since: firstText(at(resource, "authoredOn"), at(resource, "effectivePeriod", "start")),
    directions: list(at(resource, "dosageInstruction")).flatMap(
      (dose) => firstText(at(dose, "patientInstruction"), at(dose, "text")) ?? [],
    ),
    reason: firstText(
      ...list(at(resource, "reasonCode")).map(conceptText),
      ...list(at(resource, "reasonReference")).map(referenceText),
    ),
    reasonsAt: list(at(resource, "reasonReference")).flatMap(
      (reference) => text(at(reference, "reference")) ?? [],
    ),
    prescriber: referenceText(at(resource, "requester")),
  };
}

function medicineName(resource: unknown): string | null {
  const reference = at(resource, "medicationReference");
  const contained = list(at(resource, "contained")).find(
    (one) => `#${String(at(one, "id"))}` === at(reference, "reference"),
  );
  return (
    conceptName(at(resource, "medicationCodeableConcept")) ??
    conceptName(at(contained, "code")) ??
    referenceText(reference)
  );
}

export interface Allergy {
  readonly id: string;
  readonly name: string;
  readonly isActive: boolean;
  readonly isSevere: boolean;
  readonly since: string | null;
  readonly reactions: readonly string[];
}

export function readAllergy(resource: unknown): Allergy | null {
  const id = text(at(resource, "id"));
  const name = conceptName(at(resource, "code"));
  if (id === null || name === null) return null;
  const reactions = list(at(resource, "reaction"));
  const states = conceptCodes(at(resource, "clinicalStatus"));
  return {
    id,
    name,
    isActive: states.length === 0 || states.includes("active"),
    isSevere:
      at(resource, "criticality") === "high" ||
      reactions.some((reaction) => at(reaction, "severity") === "severe"),
    since: firstText(at(resource, "onsetDateTime"), at(resource, "recordedDate")),
    reactions: reactions.flatMap((reaction) =>
      readEach(list(at(reaction, "manifestation")), conceptText),
    ),
  };
}

export interface Immunisation {
  readonly id: string;
  readonly name: string;
  readonly given: string | null;
  readonly wasGiven: boolean;
  readonly dose: string | null;
  readonly lot: string | null;
}

export function readImmunisation(resource: unknown): Immunisation | null {
  const id = text(at(resource, "id"));
  const name = conceptName(at(resource, "vaccineCode"));
  if (id === null || name === null) return null;
  const protocol = at(resource, "protocolApplied", 0);
  const dose = number(at(protocol, "doseNumberPositiveInt"));
  return {
    id,
    name,
    given: firstText(at(resource, "occurrenceDateTime"), at(resource, "occurrenceString")),
    wasGiven: at(resource, "status") !== "not-done",
    dose: dose === null ? text(at(protocol, "doseNumberString")) : String(dose),
    lot: text(at(resource, "lotNumber")),
  };
}

export interface Visit {
  readonly id: string;
  readonly name: string | null;
  readonly start: string | null;
  readonly end: string | null;
  /** FHIR EncounterStatus. */
  readonly status: string | null;
  readonly reasons: readonly string[];
  readonly people: readonly string[];
  readonly place: string | null;
}

export function readVisit(resource: unknown): Visit | null {
  const id = text(at(resource, "id"));
  if (id === null) return null;
  const participants = list(at(resource, "participant"));
  return {
    id,
    name: firstText(
      ...list(at(resource, "type")).map(conceptName),
      conceptName(at(resource, "serviceType")),
      at(resource, "class", "display"),
    ),
    start: text(at(resource, "period", "start")),
    end: text(at(resource, "period", "end")),
    status: text(at(resource, "status")),
    reasons: [
      ...readEach(list(at(resource, "reasonCode")), conceptText),
      ...readEach(list(at(resource, "reasonReference")), referenceText),
    ],
    people: participants.flatMap((one) => referenceText(at(one, "individual")) ?? []),
    place: firstText(
      referenceText(at(resource, "location", 0, "location")),
      referenceText(at(resource, "serviceProvider")),
    ),
  };
}

function notesOf(resource: unknown): readonly string[] {
  return list(at(resource, "note")).flatMap((note) => text(at(note, "text")) ?? []);
}
