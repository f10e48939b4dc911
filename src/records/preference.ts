import type { IncomingHttpHeaders } from "node:http";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

const preferencesOf = ({ prefer }: IncomingHttpHeaders): readonly string[] =>
  (Array.isArray(prefer) ? prefer.join(",") : (prefer ?? ""))
    .split(/[,;]/)
    .map((one) => one.trim());

const returns = ["minimal", "representation", "OperationOutcome"] as const;
export type PreferredReturn = (typeof returns)[number];

/** What the caller wants back of a write (FHIR R4 §3.1.0.1.7); null when it does not say. */
export function preferredReturn(headers: IncomingHttpHeaders): PreferredReturn | null {
  const preferences = preferencesOf(headers);
  return returns.find((kind) => preferences.includes(`return=${kind}`)) ?? null;
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

/** What the caller of a conditional read has already: null where it names none. */
export interface AlreadyHeld {
  /** The tags of If-None-Match, as they were sent. */
  readonly tags: string | null;
  /** If-Modified-Since, in ms. */
  readonly since: number | null;
}

function dateOf(text: string | undefined): number | null {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** A date that is none is left out of account (RFC 9110 §13.1.3). */
export function alreadyHeld(tags: string | undefined, since: string | undefined): AlreadyHeld {
  return { tags: tags ?? null, since: dateOf(since) };
}

/** What the headers of a conditional read name (R4 §3.1.0.1.8). */
export function heldOf(headers: IncomingHttpHeaders): AlreadyHeld {
  return alreadyHeld(headers["if-none-match"], headers["if-modified-since"]);
}

/** Whether the caller holds this very version (R4 §3.1.0.1.8); tags go before the date (RFC 9110 §13.2.2). */
export function isHeld(
  { tags, since }: AlreadyHeld,
  version: number,
  lastUpdated: number,
): boolean {
  if (tags !== null) {
    const named = tags.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
    return named.includes("*") || named.includes(`"${version}"`);
  }
  // A date of HTTP has no milliseconds.
  return since !== null && Math.floor(lastUpdated / 1_000) * 1_000 <= since;
}
