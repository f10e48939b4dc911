import type { CodeableConcept, DiagnosticReport, Observation, Quantity } from "@medplum/fhirtypes";
import { unreachable } from "#core/result.ts";
import { daysPerYear, timeText } from "#town/calendar.ts";
import type { Chart } from "#town/chart/chart.ts";
import { labelled, type Visit } from "#town/chart/visit.ts";
import { concept, hl7Concept, type Sensitivity, systems } from "#town/codes/concept.ts";
import {
  type Measure,
  type MeasureKey,
  measures,
  type Panel,
  type PanelKey,
  panels,
} from "#town/codes/measures.ts";
import type { Readings } from "#town/course/body.ts";
import type { VisitReason } from "#town/course/life.ts";

const categories = {
  vital: hl7Concept("observation-category", "vital-signs", "Vital Signs"),
  laboratory: hl7Concept("observation-category", "laboratory", "Laboratory"),
  survey: hl7Concept("observation-category", "survey", "Survey"),
  social: hl7Concept("observation-category", "social-history", "Social History"),
};

type Category = keyof typeof categories;

function quantity({ unit, ucum }: Measure, value: number): Quantity {
  return { value, unit, system: systems.ucum, code: ucum };
}

function reference(measure: Measure): Pick<Observation, "referenceRange"> {
  const { low, high } = measure;
  if (low === undefined && high === undefined) return {};
  const range = {
    ...(low === undefined ? {} : { low: quantity(measure, low) }),
    ...(high === undefined ? {} : { high: quantity(measure, high) }),
  };
  return { referenceRange: [range] };
}

const normal = hl7Concept("v3-ObservationInterpretation", "N", "Normal");
const tooLow = hl7Concept("v3-ObservationInterpretation", "L", "Low");
const tooHigh = hl7Concept("v3-ObservationInterpretation", "H", "High");

export function interpretation({ low, high }: Measure, value: number): CodeableConcept | null {
  if (low !== undefined && value < low) return tooLow;
  if (high !== undefined && value > high) return tooHigh;
  return low === undefined && high === undefined ? null : normal;
}

function base(chart: Chart, visit: Visit, category: Category, label: Sensitivity | null) {
  const at = timeText(visit.day, visit.minute + 10);
  return {
    resourceType: "Observation" as const,
    id: chart.nextId("Observation"),
    ...labelled(label),
    status: "final" as const,
    category: [categories[category]],
    subject: chart.patient,
    encounter: visit.encounter,
    effectiveDateTime: at,
    issued: at,
    performer: [chart.practitioner(visit.slot)],
  };
}

/** Ranges are those of grown-ups, so a child's figures are reported without a verdict. */
export function writeMeasure(
  chart: Chart,
  visit: Visit,
  measured: { key: MeasureKey; value: number; category: Category; label: Sensitivity | null },
): string {
  const measure = measures[measured.key];
  const grownUp = visit.day - chart.person.birth >= 14 * daysPerYear;
  const verdict = grownUp ? interpretation(measure, measured.value) : null;
  const written: Observation = {
    ...base(chart, visit, measured.category, measured.label),
    code: concept("loinc", measure.loinc, measure.display, measure.name),
    valueQuantity: quantity(measure, measured.value),
    ...(verdict === null ? {} : { interpretation: [verdict] }),
    ...(grownUp ? reference(measure) : {}),
  };
  chart.resources.push(written);
  return `Observation/${written.id}`;
}

function writePressure(chart: Chart, visit: Visit, readings: Readings): void {
  const component = (["systolic", "diastolic"] as const).map((key) => {
    const measure = measures[key];
    const value = readings(key);
    const verdict = interpretation(measure, value);
    return {
      code: concept("loinc", measure.loinc, measure.display, measure.name),
      valueQuantity: quantity(measure, value),
      ...(verdict === null ? {} : { interpretation: [verdict] }),
    };
  });
  chart.resources.push({
    ...base(chart, visit, "vital", null),
    code: concept(
      "loinc",
      "85354-9",
      "Blood pressure panel with all children optional",
      "blood pressure",
    ),
    component,
  } satisfies Observation);
}

/** Which vital signs are taken at a visit. */
function vitalsFor(reason: VisitReason, age: number): readonly MeasureKey[] {
  if (age < 18 && reason.kind !== "bout") {
    return age < 2 ? ["weight", "height"] : ["weight", "height", "bmi", "heartRate"];
  }
  switch (reason.kind) {
    case "first":
      return ["height", "weight", "bmi", "heartRate"];
    case "wellness":
    case "wellChild":
      return ["weight", "bmi", "heartRate"];
    case "followUp":
      return ["weight"];
    case "specialist":
      return reason.problems.some(({ key }) => key === "copd" || key === "asthma")
        ? ["saturation"]
        : [];
    case "bout":
      return ["temperature", "heartRate", "saturation"];
    case "prenatal":
      return ["weight"];
    case "birth":
      return ["heartRate", "temperature"];
    default:
      return unreachable(reason);
  }
}

export function writeVitals(chart: Chart, visit: Visit, readings: Readings): void {
  const age = (visit.day - chart.person.birth) / daysPerYear;
  if (age >= 12) writePressure(chart, visit, readings);
  for (const key of vitalsFor(visit.reason, age)) {
    writeMeasure(chart, visit, { key, value: readings(key), category: "vital", label: null });
  }
}

function labelOfPanel(key: PanelKey): Sensitivity | null {
  return key === "hiv" ? "HIV" : null;
}

export function writePanel(chart: Chart, visit: Visit, key: PanelKey, readings: Readings): void {
  const panel = panels[key];
  const label = labelOfPanel(key);
  const results = panel.members.map((member) =>
    writeMeasure(chart, visit, {
      key: member,
      value: readings(member),
      category: "laboratory",
      label,
    }),
  );
  if (results.length > 1) writeReport(chart, visit, panel, { results, label });
}

function writeReport(
  chart: Chart,
  visit: Visit,
  panel: Panel,
  { results, label }: { results: readonly string[]; label: Sensitivity | null },
): void {
  const at = timeText(visit.day, visit.minute + 240);
  chart.resources.push({
    resourceType: "DiagnosticReport",
    id: chart.nextId("DiagnosticReport"),
    ...labelled(label),
    status: "final",
    category: [hl7Concept("v2-0074", "LAB", "Laboratory")],
    code: concept("loinc", panel.loinc, panel.display),
    subject: chart.patient,
    encounter: visit.encounter,
    effectiveDateTime: timeText(visit.day, visit.minute + 10),
    issued: at,
    performer: [chart.organization],
    result: results.map((reference) => ({ reference })),
  } satisfies DiagnosticReport);
}

const smokingCodes = {
  never: ["266919005", "Never smoked tobacco"],
  former: ["8517006", "Ex-smoker"],
  current: ["449868002", "Smokes tobacco daily"],
} as const;

export function writeSmoking(chart: Chart, visit: Visit): void {
  const [code, display] = smokingCodes[chart.life.smoking];
  chart.resources.push({
    ...base(chart, visit, "social", null),
    code: concept("loinc", "72166-2", "Tobacco smoking status"),
    valueCodeableConcept: concept("snomed", code, display),
  } satisfies Observation);
}

export function writeDueDate(chart: Chart, visit: Visit, due: string): void {
  chart.resources.push({
    ...base(chart, visit, "survey", null),
    code: concept("loinc", "11778-8", "Delivery date Estimated", "expected date of birth"),
    valueDateTime: due,
  } satisfies Observation);
}
