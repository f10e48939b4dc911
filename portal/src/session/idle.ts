/** How long a session may still go on, and whether to say so. */
export type IdlePhase =
  | { readonly phase: "active" }
  /** `canStay` is false when the session's last hour ends, whatever the person does. */
  | { readonly phase: "warn"; readonly leftMs: number; readonly canStay: boolean }
  | { readonly phase: "over" };

/** The warning comes this long before the end, or a fifth of the idle time when that is less. */
const longestWarningMs = 120_000;

/** All times in ms since the epoch. */
export function idlePhase(times: {
  nowMs: number;
  lastActiveMs: number;
  idleMs: number;
  sessionEndsAtMs: number;
}): IdlePhase {
  const { nowMs, lastActiveMs, idleMs, sessionEndsAtMs } = times;
  const idleEndsAtMs = lastActiveMs + idleMs;
  const leftMs = Math.min(idleEndsAtMs, sessionEndsAtMs) - nowMs;
  if (leftMs <= 0) return { phase: "over" };
  const warningMs = Math.min(longestWarningMs, idleMs / 5);
  if (leftMs > warningMs) return { phase: "active" };
  return { phase: "warn", leftMs, canStay: sessionEndsAtMs > idleEndsAtMs };
}

/**
 * The server counts requests, not scrolling: someone who is active here without asking for anything
 * must be made known to it before its own idle time is over.
 */
export function needsSignOfLife(times: {
  nowMs: number;
  lastActiveMs: number;
  lastAnsweredMs: number;
  idleMs: number;
}): boolean {
  const { nowMs, lastActiveMs, lastAnsweredMs, idleMs } = times;
  return lastActiveMs > lastAnsweredMs && nowMs - lastAnsweredMs > idleMs / 4;
}
