import type {
  ChartEvidence,
  ChartPair,
  ChartPairPage,
  ChartSide,
  StandingMerge,
} from "../../../src/core/wire.ts";
import { at, list, number, readEach, text } from "../fhir/json.ts";

const textsAt = (value: unknown, key: string): readonly string[] =>
  readEach(list(at(value, key)), text);

function readSide(value: unknown): ChartSide | null {
  const id = text(at(value, "id"));
  const version = number(at(value, "version"));
  if (id === null || version === null) return null;
  return {
    id,
    version,
    name: text(at(value, "name")),
    birthDate: text(at(value, "birthDate")),
    gender: text(at(value, "gender")),
    identifiers: textsAt(value, "identifiers"),
    telecom: textsAt(value, "telecom"),
    addresses: textsAt(value, "addresses"),
    lastUpdated: text(at(value, "lastUpdated")) ?? "",
  };
}

function readEvidence(value: unknown): ChartEvidence | null {
  const field = text(at(value, "field"));
  const verdict = text(at(value, "verdict"));
  const bits = number(at(value, "bits"));
  return field === null || verdict === null || bits === null ? null : { field, verdict, bits };
}

const grades = ["certain", "probable", "possible"] as const;

function readPair(value: unknown): ChartPair | null {
  const [one, other] = [readSide(at(value, "one")), readSide(at(value, "other"))];
  const score = number(at(value, "score"));
  const grade = grades.find((each) => each === at(value, "grade"));
  if (one === null || other === null || score === null || grade === undefined) return null;
  return {
    one,
    other,
    score,
    grade,
    evidence: readEach(list(at(value, "evidence")), readEvidence),
  };
}

/** Reads GET /api/records/possible-duplicates; null when it is no page. */
export function readPairs(value: unknown): ChartPairPage | null {
  const looked = number(at(value, "looked"));
  if (looked === null) return null;
  const pairs = readEach(list(at(value, "pairs")), readPair);
  return { pairs, looked, next: text(at(value, "next")) };
}

function readMerge(value: unknown): StandingMerge | null {
  const [survivor, other] = [readSide(at(value, "survivor")), readSide(at(value, "other"))];
  const id = text(at(value, "id"));
  const when = text(at(value, "at"));
  if (id === null || when === null || survivor === null || other === null) return null;
  return { id, at: when, byYou: at(value, "byYou") === true, survivor, other };
}

/** Reads GET /api/records/chart-decisions. */
export function readMerges(value: unknown): readonly StandingMerge[] {
  return readEach(list(at(value, "merges")), readMerge);
}
