import type { IncomingHttpHeaders } from "node:http";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** Whether the caller wants the written resource back (FHIR R4 §3.1.0.1.7); yes unless it says minimal. */
export function wantsRepresentation(headers: IncomingHttpHeaders): boolean {
  const { prefer } = headers;
  const preferences = (Array.isArray(prefer) ? prefer.join(",") : (prefer ?? "")).split(/[,;]/);
  return !preferences.some((preference) => preference.trim() === "return=minimal");
}

const weakVersion = /^(?:W\/)?"([1-9][0-9]{0,8})"$/;

/** The version that If-Match names; null without the header. Fails as "parameter-invalid" when it names none. */
export function ifMatchVersion(headers: IncomingHttpHeaders): Result<number | null> {
  const header = headers["if-match"];
  if (header === undefined) return ok(null);
  const found = weakVersion.exec(header.trim());
  return found === null ? refuse("parameter-invalid", { at: "If-Match" }) : ok(Number(found[1]));
}
