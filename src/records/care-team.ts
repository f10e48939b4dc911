import { parseInstant, type Instant } from "#core/clock.ts";
import { parseResourceId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import type { CareRelation } from "#records/write-plan.ts";

const dateOnly = /^\d{4}(?:-\d\d(?:-\d\d)?)?$/;

/**
 * Where a FHIR dateTime begins or ends: a date stands for the whole of its day, month or year
 * (UTC). Null when absent or not a date.
 */
function edgeOf(text: unknown, edge: "start" | "end"): Instant | null {
  if (typeof text !== "string") return null;
  const start = new Date(text);
  if (Number.isNaN(start.getTime())) return null;
  if (edge === "end" && dateOnly.test(text)) {
    if (text.length === 4) start.setUTCFullYear(start.getUTCFullYear() + 1);
    else if (text.length === 7) start.setUTCMonth(start.getUTCMonth() + 1);
    else start.setUTCDate(start.getUTCDate() + 1);
  }
  return parseInstant(start.getTime());
}

interface Stay {
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
}

function stayOf(period: unknown): Stay {
  if (!isRecord(period)) return { startsAt: null, endsAt: null };
  return { startsAt: edgeOf(period["start"], "start"), endsAt: edgeOf(period["end"], "end") };
}

function overlap(team: Stay, member: Stay): Stay {
  const latest = (a: Instant | null, b: Instant | null): Instant | null =>
    a === null ? b : b === null || a > b ? a : b;
  const earliest = (a: Instant | null, b: Instant | null): Instant | null =>
    a === null ? b : b === null || a < b ? a : b;
  return {
    startsAt: latest(team.startsAt, member.startsAt),
    endsAt: earliest(team.endsAt, member.endsAt),
  };
}

function practitionerOf(member: unknown): ResourceId | null {
  const reference = isRecord(member) ? member["reference"] : undefined;
  if (typeof reference !== "string" || !reference.startsWith("Practitioner/")) return null;
  return parseResourceId(reference.slice("Practitioner/".length));
}

/**
 * Who stands in the care team that a FHIR R4 CareTeam describes, and how long. Only an active team
 * counts, and only members who are a Practitioner by relative reference.
 */
export function relationsOf(careTeam: unknown): readonly CareRelation[] {
  if (!isRecord(careTeam) || careTeam["status"] !== "active") return [];
  const team = stayOf(careTeam["period"]);
  const listed: unknown = careTeam["participant"];
  return (Array.isArray(listed) ? (listed as readonly unknown[]) : []).flatMap((participant) => {
    if (!isRecord(participant)) return [];
    const practitioner = practitionerOf(participant["member"]);
    if (practitioner === null) return [];
    const stay = overlap(team, stayOf(participant["period"]));
    const isEmpty = stay.startsAt !== null && stay.endsAt !== null && stay.endsAt <= stay.startsAt;
    return isEmpty ? [] : [{ practitioner, ...stay }];
  });
}
