import { unreachable } from "#core/result.ts";
import { createEvidenceBook, type Evidence, type EvidenceKind } from "#breach/evidence.ts";
import { historyOf, holdOf, overlaps, type Hold } from "#breach/key-history.ts";
import { spanOfQuestion, type ExposureQuestion, type Span } from "#breach/question.ts";
import type { KeyFacts, Sighting } from "#breach/sighting.ts";

export interface JudgeDeps {
  /** The longest that a key stays in memory after it came there. */
  readonly residenceMs: number;
  /** When an epoch began at the earliest; negative infinity when nothing tells. */
  readonly epochSince: (epoch: number) => number;
}

/** All that speaks for it that one compartment was exposed. */
export interface Dossier {
  add(sighting: Sighting): void;
  /** Empty when the compartment was not exposed. */
  close(facts: KeyFacts): readonly Evidence[];
}

/** Whether a record tells of a key that came into somebody's memory. */
const wasGiven = ({ record }: Sighting): boolean => record === "unwrap" || record === "create";

/** How a key came to be in memory in the window; null when it was not. */
function presence(at: number, { from, until }: Span, residenceMs: number): EvidenceKind | null {
  if (at >= until || at + residenceMs < from) return null;
  return at >= from ? "unwrapped" : "resident";
}

/** Of a host that was given keys: those that were in its memory. */
function hostDossier(
  question: Extract<ExposureQuestion, { kind: "host" }>,
  { residenceMs }: JudgeDeps,
): Dossier {
  const book = createEvidenceBook();
  const span = spanOfQuestion(question);
  return {
    add: (sighting) => {
      const { holder } = sighting;
      if (!wasGiven(sighting) || holder === null) return;
      if (question.role !== null && holder.role !== question.role) return;
      // Where no record tells the host, it may have been this one.
      if (holder.host !== null && holder.host !== question.host) return;
      const kind = presence(sighting.at, span, residenceMs);
      if (kind !== null) book.add(kind, sighting);
    },
    close: () => book.all(),
  };
}

/** Of a key itself: that it was there, and where it could have been taken. */
function keyDossier(
  question: Extract<ExposureQuestion, { kind: "key" }>,
  { residenceMs }: JudgeDeps,
): Dossier {
  const uses = createEvidenceBook();
  const existence = createEvidenceBook();
  const span = spanOfQuestion(question);
  return {
    add: (sighting) => {
      if (question.dekVersion !== null && question.dekVersion !== sighting.dekVersion) return;
      existence.add("existed", sighting);
      const kind = wasGiven(sighting) ? presence(sighting.at, span, residenceMs) : null;
      if (kind !== null) uses.add(kind, sighting);
    },
    close: (facts) => {
      const all = existence.all();
      const lived = versionsOf(all).filter(
        (version) => historyOf(version, all, facts).bornAt < span.until,
      );
      // Of its records those that show best that it was there: the oldest, and its row.
      const shown = all.filter(
        ({ dekVersion, record, first }) =>
          lived.includes(dekVersion) && (record !== "unwrap" || isFirst(first.at, dekVersion, all)),
      );
      return [...uses.all(), ...shown];
    },
  };
}

const isFirst = (at: number, dekVersion: number, all: readonly Evidence[]): boolean =>
  all.every((other) => other.dekVersion !== dekVersion || other.first.at >= at);

const versionsOf = (evidence: readonly Evidence[]): readonly number[] => [
  ...new Set(evidence.map(({ dekVersion }) => dekVersion)),
];

function betweenOf(dekVersion: number, kekEpoch: number, hold: Hold): readonly Evidence[] {
  const { before, after } = hold;
  const [first, last] = [before ?? after, after ?? before];
  if (first === null || last === null) return [];
  const about = {
    kind: "wrapped-under-epoch",
    record: "row",
    holder: null,
    certain: false,
  } as const;
  return [{ ...about, dekVersion, kekEpoch, first, last, count: 0 }];
}

/** Of an epoch: the keys that lay in the database wrapped under it. */
function epochDossier(epoch: number, span: Span, { epochSince }: JudgeDeps): Dossier {
  const book = createEvidenceBook();
  return {
    add: (sighting) => book.add("wrapped-under-epoch", sighting),
    close: (facts) => {
      const all = book.all();
      return versionsOf(all).flatMap((version) => {
        const hold = holdOf(epoch, historyOf(version, all, facts), epochSince(epoch));
        if (hold === null || !overlaps(hold, span)) return [];
        return hold.seen === null
          ? betweenOf(version, epoch, hold)
          : all.filter((each) => each.dekVersion === version && each.kekEpoch === epoch);
      });
    },
  };
}

/** Of the keys process: all keys that were stored, under whichever of its epochs. */
function keysHostDossier(span: Span): Dossier {
  const book = createEvidenceBook();
  return {
    add: (sighting) => book.add("wrapped-under-epoch", sighting),
    close: (facts) => {
      const all = book.all();
      // A copy of the deleted row opened as long as its epoch was there.
      const endedAt = facts.shredding?.finishedAt ?? Number.POSITIVE_INFINITY;
      return versionsOf(all).flatMap((version) => {
        const { bornAt } = historyOf(version, all, facts);
        if (!overlaps({ from: bornAt, until: endedAt }, span)) return [];
        return all.filter(({ dekVersion }) => dekVersion === version);
      });
    },
  };
}

const nothing: Dossier = { add: () => {}, close: () => [] };

/** A new dossier of one compartment for this question. */
export function openDossier(question: ExposureQuestion, deps: JudgeDeps): Dossier {
  switch (question.kind) {
    case "key":
      return keyDossier(question, deps);
    case "host":
      return hostDossier(question, deps);
    case "keys-host":
      return keysHostDossier(spanOfQuestion(question));
    case "kek-epoch":
      return epochDossier(question.epoch, spanOfQuestion(question), deps);
    case "backup":
      // Without a key a copy of the database opens nothing.
      return question.epoch === null
        ? nothing
        : epochDossier(question.epoch, spanOfQuestion(question), deps);
    default:
      return unreachable(question);
  }
}
