import { laterBy, parseInstant, toIso, type Instant } from "#core/clock.ts";
import { invariant } from "#core/result.ts";

/** A rule of law, and how sure we are of its words. */
export interface AccessRule {
  readonly cite: string;
  readonly days: number;
  /** "unverified": from memory, to be confirmed before anyone relies on it. */
  readonly source: "unverified";
}

/** An answer is owed within so many calendar days of the request; the day it came in is day 0. */
export const answerRule: AccessRule = {
  cite: "45 CFR 164.524(b)(2)(i)",
  days: 30,
  source: "unverified",
};

/** Once, and told in writing with the reason within the first period. */
export const extensionRule: AccessRule = {
  cite: "45 CFR 164.524(b)(2)(iii)",
  days: 30,
  source: "unverified",
};

/** Why access may be denied. Against a reviewable ground the person may ask for another's review. */
export const denialGrounds = {
  "psychotherapy-notes": { cite: "45 CFR 164.524(a)(1)(i)", reviewable: false },
  "legal-proceeding": { cite: "45 CFR 164.524(a)(1)(ii)", reviewable: false },
  inmate: { cite: "45 CFR 164.524(a)(2)(ii)", reviewable: false },
  "research-in-progress": { cite: "45 CFR 164.524(a)(2)(iii)", reviewable: false },
  "privacy-act": { cite: "45 CFR 164.524(a)(2)(iv)", reviewable: false },
  "promised-confidence": { cite: "45 CFR 164.524(a)(2)(v)", reviewable: false },
  endangers: { cite: "45 CFR 164.524(a)(3)(i)", reviewable: true },
  "harms-another": { cite: "45 CFR 164.524(a)(3)(ii)", reviewable: true },
  "harm-by-representative": { cite: "45 CFR 164.524(a)(3)(iii)", reviewable: true },
  "not-held": { cite: "45 CFR 164.524(d)(3)", reviewable: false },
} as const satisfies Record<string, { cite: string; reviewable: boolean }>;
export type DenialGround = keyof typeof denialGrounds;

export function parseGround(text: unknown): DenialGround | null {
  return typeof text === "string" && Object.hasOwn(denialGrounds, text)
    ? (text as DenialGround)
    : null;
}

const dayMs = 86_400_000;

/**
 * The calendar day of an instant where the day begins last (UTC-12): a deadline counted from it is
 * nowhere later than by the clinic's own calendar and, in the United States, at most a day early.
 */
export function legalDay(at: Instant): string {
  return toIso(laterBy(at, -dayMs / 2)).slice(0, 10);
}

/** `days` calendar days after a day of the form 2026-01-31; weekends and holidays count. */
export function daysAfter(day: string, days: number): string {
  const start = parseInstant(Date.parse(`${day}T00:00:00Z`));
  invariant(start !== null, "a day of the register is a day");
  return toIso(laterBy(start, days * dayMs)).slice(0, 10);
}
