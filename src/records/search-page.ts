import type { Resource } from "@medplum/fhirtypes";
import type { SearchPlan } from "#records/fhir/search.ts";
import type { Position } from "#records/cursor.ts";
import { union } from "#records/read.ts";
import type { Found } from "#records/search-matches.ts";
import type { Seen } from "#records/seeing.ts";
import { withinPageBytes } from "#records/shown-whole.ts";
import { touch, type Touch } from "#records/visit.ts";

/** A match and where it stands among all. */
export interface Placed extends Seen {
  readonly value: Resource;
  readonly at: Position;
}

/** One page of what was found, in the order asked for. */
export interface Page {
  readonly matches: readonly Placed[];
  /** On all pages. */
  readonly total: number;
  readonly isLast: boolean;
}

function inOrder({ sort }: SearchPlan, a: Position, b: Position): number {
  const sorted = sort.compare(a.key, b.key);
  if (sorted !== 0) return sorted;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The matches in the order asked for. */
export function inSearchOrder(plan: SearchPlan, matches: readonly Seen[]): readonly Placed[] {
  const placed = matches.flatMap((each): Placed[] => {
    const { value, row } = each.opened;
    return value === null
      ? []
      : [{ ...each, value, at: { key: plan.sort.keyOf(value), id: row.id } }];
  });
  return placed.sort((a, b) => inOrder(plan, a.at, b.at));
}

/** The page that begins after a position, or the first. */
export function pageOf(plan: SearchPlan, matches: readonly Seen[], after: Position | null): Page {
  const placed = inSearchOrder(plan, matches);
  const rest = after === null ? placed : placed.filter(({ at }) => inOrder(plan, at, after) > 0);
  const page = withinPageBytes(rest.slice(0, plan.count));
  return { matches: page, total: placed.length, isLast: rest.length <= page.length };
}

/** One touch for each record and type of which these are. `isShown`: not only counted. */
function touchesOfSeen(seen: readonly Seen[], isShown: boolean): readonly Touch[] {
  const grouped = Map.groupBy(seen, ({ opened: { row } }) => `${row.compartment} ${row.type}`);
  return [...grouped.values()].flatMap((each) => {
    const [first] = each;
    if (first === undefined) return [];
    const { compartment, type, dekVersion } = first.opened.row;
    const isOneKey = each.every(({ opened }) => opened.row.dekVersion === dekVersion);
    return [
      touch({
        action: "search",
        type,
        compartment,
        categories: union(each.map(({ kinds }) => kinds.categories)),
        count: isShown ? each.length : 0,
        dekVersion: isOneKey ? dekVersion : null,
        policies: [...new Set(each.flatMap(({ policies }) => policies))],
      }),
    ];
  });
}

/**
 * What the log is told: one touch for each patient and type of which the answer shows, counts or
 * gives away anything by a chain.
 */
export function touchesOf(
  plan: SearchPlan,
  found: Found,
  { page, included }: { readonly page: Page; readonly included: readonly Seen[] },
): readonly Touch[] {
  const counted: readonly Seen[] = plan.count === 0 ? found.matches : page.matches;
  const records = new Set(counted.map(({ opened }) => opened.row.compartment));
  const consulted = found.consulted.filter(({ opened: { row } }) =>
    row.compartment === "organisation" ? counted.length > 0 : records.has(row.compartment),
  );
  const touches = [
    ...touchesOfSeen(counted, plan.count > 0),
    ...touchesOfSeen(consulted, false),
    ...touchesOfSeen(included, true),
  ];
  if (touches.length > 0) return touches;
  // Nothing found is an answer, too: of one patient's record it says that it holds no such thing.
  const [only, more] = found.allowed;
  const policies = [...new Set(found.allowed.flatMap((each) => each.policies))];
  const compartment = more === undefined ? (only?.compartment ?? null) : null;
  return [touch({ action: "search", type: plan.type, compartment, policies })];
}
