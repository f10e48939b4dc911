import type {
  EmergencyFinding,
  EmergencyLine,
  EmergencyReview,
  EmergencyWords,
} from "../../../src/core/wire.ts";
import { at, list, number, readEach, text } from "../fhir/json.ts";

const findings: readonly EmergencyFinding[] = ["justified", "to-follow-up", "not-justified"];

function readReview(value: unknown): EmergencyReview | null {
  const finding = findings.find((known) => known === at(value, "finding"));
  const when = text(at(value, "at"));
  if (finding === undefined || when === null) return null;
  const words = text(at(value, "words")) ?? "";
  return { at: when, byYou: at(value, "byYou") === true, finding, words };
}

function readWords(value: unknown): EmergencyWords | null {
  const patient = text(at(value, "patient"));
  const reason = text(at(value, "reason"));
  if (patient === null || reason === null) return null;
  return {
    patient,
    reason,
    name: text(at(value, "name")),
    birthDate: text(at(value, "birthDate")),
    who: text(at(value, "who")) ?? "",
    byYou: at(value, "byYou") === true,
    count: number(at(value, "count")) ?? 1,
    closedAt: text(at(value, "closedAt")),
    review: readReview(at(value, "review")),
  };
}

/** Reads one opening; null when it has no name, version or times. */
export function readOpening(value: unknown): EmergencyLine | null {
  const id = text(at(value, "id"));
  const version = number(at(value, "version"));
  const openedAt = text(at(value, "openedAt"));
  const endsAt = text(at(value, "endsAt"));
  if (id === null || version === null || openedAt === null || endsAt === null) return null;
  return {
    id,
    version,
    openedAt,
    endsAt,
    isOpen: at(value, "isOpen") === true,
    isReviewed: at(value, "isReviewed") === true,
    words: readWords(at(value, "words")),
  };
}

/** Reads GET /api/records/break-glass. */
export function readOpenings(body: unknown): readonly EmergencyLine[] {
  return readEach(list(at(body, "openings")), readOpening);
}
