import { systemClock } from "#core/clock.ts";
import { parsePseudonym } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { createBrake } from "#records/brake/brake.ts";
import type { Caller } from "#records/caller.ts";
import { touch, type Touch } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import type { Figure } from "./figure.ts";

const repeats = 300_000;
/** Charts among which one goes to and fro, as on a ward. */
const charts = 50;
/** Answers of a read take 100 µs of the records process at the least, of which this is 3 %. */
const ceilingUs = 3;

/** A database in which nobody was shown anything before. */
const empty: Queryable = { query: async () => [] };

const readOf = (): Touch => {
  const compartment = parsePseudonym(systemRandom.uuid());
  invariant(compartment !== null, "a uuid is a pseudonym");
  return touch({ action: "read", type: "Observation", compartment, count: 1 });
};

/** What the volume brake adds to an answer that it lets go. */
export async function run(): Promise<readonly Figure[]> {
  const brake = createBrake({
    db: empty,
    clock: systemClock,
    share: 10_000,
    logOrigin: "bench",
    usual: { of: async () => null, settled: async () => {} },
  });
  const live = { account: "a", device: "d", roles: ["clinician"], patients: new Map() };
  const caller = { live } as unknown as Caller;
  const looks = Array.from({ length: charts }, () => [readOf()]);
  const hold = async (count: number): Promise<number> => {
    const began = performance.now();
    for (let n = 0; n < count; n += 1) await brake.hold(caller, looks[n % charts] ?? []);
    return ((performance.now() - began) * 1_000) / count;
  };
  await hold(repeats / 10);
  const tookUs = await hold(repeats);
  brake.close();
  return [{ name: "counting one answer", value: tookUs, unit: "µs", ceiling: ceilingUs }];
}
