import { lookingActions, type ShownRow } from "#records/brake/shown-store.ts";
import type { Showing } from "#records/brake/tally.ts";
import type { Caller } from "#records/caller.ts";
import type { Touch } from "#records/visit.ts";

const looking: ReadonlySet<string> = new Set(lookingActions);

const isListing = ({ action, type }: Touch): boolean =>
  type === "Patient" && (action === "search" || action === "match");

/** What an answer shows of other people's records; null when nothing. Her own is hers to see. */
export function showingOf({ live }: Caller, touches: readonly Touch[]): Showing | null {
  const charts: string[] = [];
  const listed: string[] = [];
  let records = 0;
  for (const touched of touches) {
    const { compartment, action, count } = touched;
    if (compartment === null || compartment === "organisation" || !looking.has(action)) continue;
    if (live.patients.has(compartment)) continue;
    (isListing(touched) ? listed : charts).push(compartment);
    records += count;
  }
  return charts.length + listed.length === 0 ? null : { charts, listed, records };
}

export const showingOfRow = ({ patient, listed, records }: ShownRow): Showing => ({
  charts: listed ? [] : [patient],
  listed: listed ? [patient] : [],
  records,
});
