import type { AccessLogLine } from "../../../src/core/wire.ts";

/** Readings by one person, of one kind, close together: what a reader would call one look. */
export interface Look {
  readonly who: string;
  readonly role: string | null;
  readonly action: string;
  readonly decision: AccessLogLine["decision"];
  readonly purpose: string | null;
  /** Kinds of data, each once, in the order first seen. */
  readonly kinds: readonly string[];
  /** Newest and oldest time, ISO 8601. */
  readonly last: string;
  readonly first: string;
  /** The log's own lines behind it, newest first. */
  readonly lines: readonly AccessLogLine[];
}

export interface LogDay {
  readonly key: string;
  /** A time on that day. */
  readonly at: string;
  readonly looks: readonly Look[];
}

/** Readings further apart than this are told apart. */
const lookGapMs = 15 * 60_000;

/** `lines` come newest first; `dayKey` gives the reader's calendar day. */
export function groupByDay(
  lines: readonly AccessLogLine[],
  dayKey: (time: string) => string,
): readonly LogDay[] {
  const days = Map.groupBy(lines, ({ time }) => dayKey(time));
  return [...days].flatMap(([key, ofDay]) => {
    const newest = ofDay[0];
    return newest === undefined ? [] : [{ key, at: newest.time, looks: groupLooks(ofDay) }];
  });
}

function groupLooks(lines: readonly AccessLogLine[]): readonly Look[] {
  const runs: AccessLogLine[][] = [];
  for (const line of lines) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && isSameLook(before, line)) run.push(line);
    else runs.push([line]);
  }
  return runs.flatMap((run) => {
    const [newest] = run;
    const oldest = run.at(-1);
    if (newest === undefined || oldest === undefined) return [];
    const { who, role, action, decision, purpose } = newest;
    const kinds = [...new Set(run.flatMap(kindsOf))];
    const first = oldest.time;
    return [{ who, role, action, decision, purpose, kinds, last: newest.time, first, lines: run }];
  });
}

function isSameLook(newer: AccessLogLine, older: AccessLogLine): boolean {
  return (
    newer.who === older.who &&
    newer.role === older.role &&
    isSameAction(newer.action, older.action) &&
    newer.decision === older.decision &&
    newer.purpose === older.purpose &&
    Date.parse(newer.time) - Date.parse(older.time) <= lookGapMs
  );
}

const lookingActions = new Set(["read", "vread", "history", "search", "access-log"]);

// To open one item, a list of them or the list of who looked: all the same to whoever is looked at.
function isSameAction(one: string, other: string): boolean {
  return one === other || (lookingActions.has(one) && lookingActions.has(other));
}

function kindsOf(line: AccessLogLine): readonly string[] {
  if (line.categories.length > 0) return line.categories;
  return line.resourceType === null ? [] : [line.resourceType];
}

/** What kind of thing was done, for the words of a line. */
export type Deed =
  | "looked"
  | "changed"
  | "imported"
  | "exported"
  | "asked"
  | "opened"
  | "closed"
  | "reviewed"
  | "other";

const deeds: ReadonlyMap<string, Deed> = new Map([
  ...[...lookingActions].map((action): [string, Deed] => [action, "looked"]),
  ["create", "changed"],
  ["update", "changed"],
  ["delete", "changed"],
  ["transaction", "changed"],
  ["import", "imported"],
  ["export", "exported"],
  ["access-request", "asked"],
  ["break-glass", "opened"],
  ["break-glass-close", "closed"],
  ["break-glass-review", "reviewed"],
]);

export function deedOf(action: string): Deed {
  return deeds.get(action) ?? "other";
}
