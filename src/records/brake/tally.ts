import { brakeLimits, type Measure } from "#records/brake/bounds.ts";

/** What one answer shows. */
export interface Showing {
  readonly charts: readonly string[];
  readonly listed: readonly string[];
  readonly records: number;
}

const slots = 12;
const slotMs = brakeLimits.windowMs / slots;

/** What was shown to one person, or on one device, within the last hour. */
export interface Tally {
  /** What it comes to with this shown, too. Takes nothing in. */
  countsWith(showing: Showing, now: number): Readonly<Record<Measure, number>>;
  add(showing: Showing, at: number): void;
  /** Until some of what counts is an hour old, in ms; at most an hour. */
  untilLess(measure: Measure, now: number): number;
  /** Patients remembered. */
  readonly size: number;
}

/** Patients by when they were last shown, oldest first. */
type Seen = Map<string, number>;

function forget(seen: Seen, now: number): void {
  for (const [patient, at] of seen) {
    if (at > now - brakeLimits.windowMs) return;
    seen.delete(patient);
  }
}

function see(seen: Seen, patients: readonly string[], at: number): void {
  for (const patient of patients) {
    // What is told of late, as another process's entries are, must not make a later look older.
    const known = seen.get(patient);
    if (known !== undefined && known >= at) continue;
    seen.delete(patient);
    seen.set(patient, at);
  }
}

function countNew(seen: Seen, patients: readonly string[]): number {
  let count = seen.size;
  for (const patient of patients) if (!seen.has(patient)) count += 1;
  return count;
}

function firstOf(seen: Seen): number | null {
  for (const at of seen.values()) return at;
  return null;
}

export function createTally(): Tally {
  const charts: Seen = new Map();
  const listed: Seen = new Map();
  /** Records by stretches of five minutes, the oldest first. */
  const stretches: { readonly slot: number; records: number }[] = [];
  const sumSince = (now: number): number => {
    const first = Math.floor(now / slotMs) - slots - 1;
    while ((stretches[0]?.slot ?? first + 1) <= first) stretches.shift();
    return stretches.reduce((sum, { records }) => sum + records, 0);
  };
  const stretchAt = (at: number): { records: number } => {
    const slot = Math.floor(at / slotMs);
    const known = stretches.findLast((each) => each.slot === slot);
    if (known !== undefined) return known;
    const made = { slot, records: 0 };
    const after = stretches.findIndex((each) => each.slot > slot);
    stretches.splice(after === -1 ? stretches.length : after, 0, made);
    return made;
  };
  return {
    countsWith: (showing, now) => {
      forget(charts, now);
      forget(listed, now);
      return {
        charts: countNew(charts, showing.charts),
        listed: countNew(listed, showing.listed),
        records: sumSince(now) + showing.records,
      };
    },
    add: (showing, at) => {
      see(charts, showing.charts, at);
      see(listed, showing.listed, at);
      if (showing.records > 0) stretchAt(at).records += showing.records;
    },
    untilLess: (measure, now) => {
      const slot = stretches[0]?.slot;
      const first =
        measure === "records"
          ? slot === undefined
            ? null
            : (slot + 1) * slotMs
          : firstOf(measure === "charts" ? charts : listed);
      return first === null ? 0 : Math.max(0, first + brakeLimits.windowMs - now);
    },
    get size() {
      return charts.size + listed.size;
    },
  };
}
