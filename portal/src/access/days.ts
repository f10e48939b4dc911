const dayMs = 86_400_000;

/** Calendar days from today to a day, both of the form 2026-01-31; below 0 when it is over. */
export function daysLeft(dueOn: string, today: string): number {
  return Math.round((Date.parse(dueOn) - Date.parse(today)) / dayMs);
}

/** How urgent an answer is: a week before the day it begins to be. */
export type Urgency = "calm" | "soon" | "late";

export function urgencyOf(left: number): Urgency {
  if (left < 0) return "late";
  return left <= 7 ? "soon" : "calm";
}
