import { at, list, readEach, text } from "../fhir/json.ts";

/** Somebody's way back into this account that is under way. */
export interface OpenRecovery {
  readonly id: string;
  /** Begun with a recovery code, or by one of the staff. */
  readonly way: "code" | "staff";
  readonly readyAt: string;
}

function readRecovery(value: unknown): OpenRecovery | null {
  const id = text(at(value, "id"));
  const readyAt = text(at(value, "readyAt"));
  if (id === null || readyAt === null) return null;
  return { id, readyAt, way: at(value, "way") === "staff" ? "staff" : "code" };
}

/** Reads GET /api/identity/account/recovery; null when it is no list. */
export function readRecoveries(body: unknown): readonly OpenRecovery[] | null {
  const items = at(body, "items");
  return Array.isArray(items) ? readEach(list(items), readRecovery) : null;
}
