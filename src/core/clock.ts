import type { Brand } from "#core/brand.ts";

/** Milliseconds since 1970-01-01T00:00Z. */
export type Instant = Brand<number, "Instant">;

/** Handed to whatever needs the time; `monotonicMs` never goes back and is only for durations. */
export interface Clock {
  now(): Instant;
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => Date.now() as Instant,
  monotonicMs: () => performance.now(),
};

/** Returns null unless `ms` is a whole number that a Date can hold. */
export function parseInstant(ms: number): Instant | null {
  return Number.isInteger(ms) && Math.abs(ms) <= 8.64e15 ? (ms as Instant) : null;
}

/** ISO 8601 in UTC with milliseconds, as FHIR `instant` wants it. */
export function toIso(at: Instant): string {
  return new Date(at).toISOString();
}

export function laterBy(at: Instant, ms: number): Instant {
  return (at + ms) as Instant;
}
