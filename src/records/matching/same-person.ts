import type { Log } from "#audit/log.ts";
import type { Pseudonym, ResourceId } from "#core/ids.ts";
import {
  readChange,
  readMerged,
  type Chart,
  type MergedChart,
} from "#records/matching/merge-store.ts";
import type { Work, WriteOutcome } from "#records/write-plan.ts";
import type { Queryable } from "#storage/database.ts";

/** Which charts are one person's, as somebody decided; kept in memory, for every reading asks. */
export interface SamePerson {
  /** The other charts of the person whose chart this is; none for nearly everybody. */
  othersOf(chart: Pseudonym): readonly Chart[];
  /** The chart that is to be used in place of this one; null when it is not merged away. */
  survivorOf(chart: Pseudonym): Chart | null;
  /** The patients given, first and in their order, and the other charts of each. The very map when there are none. */
  withOthers(patients: ReadonlyMap<Pseudonym, ResourceId>): ReadonlyMap<Pseudonym, ResourceId>;
  /** Takes in what was decided meanwhile. Throws what the driver throws, and then knows what it knew. */
  refresh(): Promise<void>;
}

interface Known {
  readonly change: number;
  readonly others: ReadonlyMap<Pseudonym, readonly Chart[]>;
  readonly survivors: ReadonlyMap<Pseudonym, Chart>;
}

const nobody: readonly Chart[] = [];

function knownOf(change: number, merged: readonly MergedChart[]): Known {
  const others = new Map<Pseudonym, readonly Chart[]>();
  const bySurvivor = Map.groupBy(merged, ({ survivor }) => survivor.compartment);
  for (const group of bySurvivor.values()) {
    const survivor = group.slice(0, 1).map((each) => each.survivor);
    const charts = [...survivor, ...group.map((each) => each.merged)];
    for (const { compartment } of charts)
      others.set(
        compartment,
        charts.filter((each) => each.compartment !== compartment),
      );
  }
  const survivors = new Map(merged.map((each) => [each.merged.compartment, each.survivor]));
  return { change, others, survivors };
}

/** Knows of nothing until it is first refreshed. */
export function createSamePerson(db: Queryable): SamePerson {
  let known = knownOf(0, []);
  const othersOf = (chart: Pseudonym): readonly Chart[] => known.others.get(chart) ?? nobody;
  return {
    othersOf,
    survivorOf: (chart) => known.survivors.get(chart) ?? null,
    withOthers: (patients) => {
      if (known.others.size === 0) return patients;
      const others = [...patients.keys()].flatMap(othersOf);
      if (others.length === 0) return patients;
      return new Map([
        ...patients,
        ...others.map(({ compartment, id }) => [compartment, id] as const),
      ]);
    },
    refresh: async () => {
      // The number first: what is decided in between is read again the next time.
      const change = await readChange(db);
      if (change === known.change) return;
      const newer = knownOf(change, await readMerged(db));
      // A reading that began earlier may end later; it must not bring back what was.
      if (change > known.change) known = newer;
    },
  };
}

type RecordsLog = Pick<Log<Work, WriteOutcome>, "submit">;

/** The log, answering for a decision about charts only when this process goes by it. */
export function awaitingCharts(log: RecordsLog, known: Pick<SamePerson, "refresh">): RecordsLog {
  return {
    submit: async (submission) => {
      const accepted = await log.submit(submission);
      const { work } = submission;
      // Should reading it fail, the next round takes it in, or nobody is let in at all.
      if (accepted.ok && work !== undefined && !("kind" in work) && work.decision !== undefined)
        await known.refresh().catch(() => {});
      return accepted;
    },
  };
}
