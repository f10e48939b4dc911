import type { IncomingHttpHeaders } from "node:http";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

const preferencesOf = ({ prefer }: IncomingHttpHeaders): readonly string[] =>
  (Array.isArray(prefer) ? prefer.join(",") : (prefer ?? ""))
    .split(/[,;]/)
    .map((one) => one.trim());

/** What the caller wants back of a write (FHIR R4 §3.1.0.1.7); null when it does not say. */
export function preferredReturn(headers: IncomingHttpHeaders): "minimal" | "representation" | null {
  const preferences = preferencesOf(headers);
  if (preferences.includes("return=minimal")) return "minimal";
  return preferences.includes("return=representation") ? "representation" : null;
}

/** Whether unknown search parameters are to be left out rather than refused (R4 §3.1.1.1). */
export function prefersLenient(headers: IncomingHttpHeaders): boolean {
  return preferencesOf(headers).includes("handling=lenient");
}

const weakVersion = /^(?:W\/)?"([1-9][0-9]{0,8})"$/;

/** The version that If-Match names; null without the header. Fails as "parameter-invalid" when it names none. */
export function ifMatchVersion(headers: IncomingHttpHeaders): Result<number | null> {
  const header = headers["if-match"];
  if (header === undefined) return ok(null);
  const found = weakVersion.exec(header.trim());
  return found === null ? refuse("parameter-invalid", { at: "If-Match" }) : ok(Number(found[1]));
}
