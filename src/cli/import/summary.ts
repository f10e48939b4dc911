import type { Place } from "#cli/import/entry.ts";
import { importLimits } from "#cli/import/limits.ts";
import type { Problem, ProblemCode } from "#core/problem.ts";

export interface ImportProblem extends Place {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly at?: string;
}

/** What an import came to; every entry is counted in exactly one outcome. */
export interface ImportSummary {
  readonly files: number;
  readonly entries: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly refused: number;
  /** Read but not answered, because the import stopped early. */
  readonly unanswered: number;
  /** The first thousand; `refused` counts them all. */
  readonly problems: readonly ImportProblem[];
  /** Why the import could not go on; null when it came to its end. */
  readonly stopped: Problem | null;
  readonly seconds: number;
  readonly resourcesPerSecond: number;
}

/** Counts while an import runs. */
export interface Tally {
  read(): void;
  answered(outcome: "created" | "updated" | "unchanged"): void;
  /** An entry that was read, and does not go in. */
  refused(place: Place, found: Problem): void;
  /** A path that could not be read at all: counts as one entry. */
  bad(place: Place, found: Problem): void;
  hasProblem(): boolean;
  settled(): number;
  summary(files: number, stopped: Problem | null, seconds: number): ImportSummary;
}

export function openTally(): Tally {
  const counts = { entries: 0, created: 0, updated: 0, unchanged: 0, refused: 0 };
  const problems: ImportProblem[] = [];
  const refused = ({ file, entry }: Place, { code, detail, at }: Problem): void => {
    counts.refused += 1;
    if (problems.length >= importLimits.problemsKept) return;
    problems.push({
      file,
      entry,
      code,
      ...(detail === undefined ? {} : { detail }),
      ...(at === undefined ? {} : { at }),
    });
  };
  const settled = (): number => counts.created + counts.updated + counts.unchanged + counts.refused;
  return {
    read: () => {
      counts.entries += 1;
    },
    answered: (outcome) => {
      counts[outcome] += 1;
    },
    refused,
    bad: (place, found) => {
      counts.entries += 1;
      refused(place, found);
    },
    hasProblem: () => counts.refused > 0,
    settled,
    summary: (files, stopped, seconds) => ({
      files,
      ...counts,
      unanswered: counts.entries - settled(),
      problems,
      stopped,
      seconds: Math.round(seconds * 1_000) / 1_000,
      resourcesPerSecond: seconds === 0 ? 0 : Math.round(settled() / seconds),
    }),
  };
}
