import type { Evidence, Mark } from "#breach/evidence.ts";
import type { Span } from "#breach/question.ts";
import type { KeyFacts } from "#breach/sighting.ts";

/** All records that show one key under one epoch: the first of them and the last. */
interface EpochSpan {
  readonly epoch: number;
  readonly first: Mark;
  readonly last: Mark;
}

/** What is known of one data key, version by version, from its making to its end. */
export interface KeyHistory {
  /** By epoch, rising. */
  readonly spans: readonly EpochSpan[];
  /** When it was made; negative infinity when no record tells. */
  readonly bornAt: number;
  /** The epoch under which it was made; null when no record tells. */
  readonly bornEpoch: number | null;
  /** Whether its row stands in the table now. */
  readonly isStored: boolean;
  /** When its row was deleted; infinity when no record tells of that. */
  readonly goneAt: number;
  /** No later epoch ever wrapped it; infinity when no record tells. */
  readonly lastEpoch: number;
}

function spansOf(evidence: readonly Evidence[]): readonly EpochSpan[] {
  const spans = new Map<number, EpochSpan>();
  for (const { kekEpoch: epoch, first, last } of evidence) {
    if (epoch === null) continue;
    const known = spans.get(epoch) ?? { epoch, first, last };
    spans.set(epoch, {
      epoch,
      first: first.at < known.first.at ? first : known.first,
      last: last.at > known.last.at ? last : known.last,
    });
  }
  return [...spans.values()].sort((a, b) => a.epoch - b.epoch);
}

/** The history of one version, out of all evidence of its compartment. */
export function historyOf(
  dekVersion: number,
  evidence: readonly Evidence[],
  { bornAt, shredding }: KeyFacts,
): KeyHistory {
  const mine = evidence.filter((each) => each.dekVersion === dekVersion);
  // Several, where two processes made the key at once: one of the two was thrown away.
  const made = mine.filter(({ record }) => record === "create");
  const stored = bornAt.get(dekVersion);
  const bornMarks = [
    ...(stored === undefined ? [] : [stored]),
    ...made.map(({ first }) => first.at),
  ];
  const bornEpochs = made.flatMap(({ kekEpoch }) => kekEpoch ?? []);
  // A row may claim to be younger than the first record of its key: then the record counts.
  const born =
    bornMarks.length === 0
      ? Number.NEGATIVE_INFINITY
      : Math.min(...bornMarks, ...mine.map(({ first }) => first.at));
  return {
    spans: spansOf(mine),
    bornAt: born,
    bornEpoch: bornEpochs.length === 0 ? null : Math.min(...bornEpochs),
    isStored: mine.some(({ record }) => record === "row"),
    goneAt: shredding?.at ?? Number.POSITIVE_INFINITY,
    lastEpoch: shredding?.lastEpoch ?? Number.POSITIVE_INFINITY,
  };
}

/** When a key may have been wrapped under an epoch. */
export interface Hold extends Span {
  /** The records that show it there; null when none does, but none excludes it. */
  readonly seen: EpochSpan | null;
  /** The last record of it under an older epoch, and the first under a newer one. */
  readonly before: Mark | null;
  readonly after: Mark | null;
}

const latest = (spans: readonly EpochSpan[]): Mark | null =>
  spans.reduce<Mark | null>(
    (found, { last }) => (found === null || last.at > found.at ? last : found),
    null,
  );

const earliest = (spans: readonly EpochSpan[]): Mark | null =>
  spans.reduce<Mark | null>(
    (found, { first }) => (found === null || first.at < found.at ? first : found),
    null,
  );

/** What keys do: they are only ever wrapped under a newer epoch, unless older rows are restored. */
function holdWhereSeen(seen: EpochSpan, history: KeyHistory, since: number): Hold {
  const lower = history.spans.filter(({ epoch }) => epoch < seen.epoch);
  const higher = history.spans.filter(({ epoch }) => epoch > seen.epoch);
  // A span that reaches into this one shows a restore: then only its outer end is sure.
  const starts = lower.map(({ first, last }) =>
    last.at <= seen.first.at ? last.at : Math.min(first.at, seen.first.at),
  );
  const ends = higher.map(({ first, last }) =>
    first.at >= seen.last.at ? first.at : Math.max(last.at, seen.last.at),
  );
  return {
    from: Math.min(seen.first.at, Math.max(history.bornAt, since, ...starts)),
    until: Math.max(seen.last.at, Math.min(history.goneAt, ...ends)),
    seen,
    before: null,
    after: null,
  };
}

/** Between an older epoch and a newer one, or before the first record of a key whose making is not on record. */
function holdUnseen(epoch: number, history: KeyHistory, since: number): Hold | null {
  const lower = history.spans.filter((span) => span.epoch < epoch);
  const higher = history.spans.filter((span) => span.epoch > epoch);
  if (lower.length === 0 && history.bornEpoch !== null) return null;
  if (higher.length === 0 && (history.isStored || epoch > history.lastEpoch)) return null;
  const [before, after] = [latest(lower), earliest(higher)];
  const crossed = before !== null && after !== null && before.at > after.at;
  // Where older and newer epochs alternate, rows were restored: it may have been at any time of it.
  const [start, end] = crossed ? [earliest(lower), latest(higher)] : [before, after];
  return {
    from: Math.max(history.bornAt, since, start?.at ?? Number.NEGATIVE_INFINITY),
    until: Math.min(history.goneAt, end?.at ?? Number.POSITIVE_INFINITY),
    seen: null,
    before: start,
    after: end,
  };
}

/**
 * When the key may have been wrapped under the epoch, which began at `since` (negative infinity
 * when unknown). Errs to the longer time: where no record excludes a moment, it is part of it. Null
 * when the records exclude that it ever was.
 */
export function holdOf(epoch: number, history: KeyHistory, since: number): Hold | null {
  const seen = history.spans.find((span) => span.epoch === epoch);
  const hold =
    seen === undefined ? holdUnseen(epoch, history, since) : holdWhereSeen(seen, history, since);
  return hold === null || hold.from > hold.until ? null : hold;
}

/** Whether both have a moment in common; the end of a hold counts as part of it. */
export const overlaps = (hold: Span, window: Span): boolean =>
  hold.from < window.until && hold.until >= window.from;
