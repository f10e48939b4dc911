/** What counts against a copy's time; all in ms since the epoch by the server's clock. */
export interface LeaseTime {
  readonly endsAtMs: number;
  /** The latest time that this device has seen. */
  readonly latestMs: number;
}

export type Standing = "good" | "run-out" | "clock-back";

/** How far a clock may go back by itself, when it is set right. */
const toleratedBackMs = 5 * 60_000;

/**
 * Whether a copy may be opened. A clock that was turned back behind what was seen before tells nothing
 * any more, so the copy counts as run out.
 */
export function standingOf({ endsAtMs, latestMs }: LeaseTime, nowMs: number): Standing {
  if (nowMs >= endsAtMs) return "run-out";
  return nowMs < latestMs - toleratedBackMs ? "clock-back" : "good";
}
