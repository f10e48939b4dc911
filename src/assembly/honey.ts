import type { Operator } from "#assembly/operator.ts";
import { toIso, type Clock } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { createTown } from "#town/town.ts";

export interface HoneyDeps {
  readonly operator: Pick<Operator, "post">;
  readonly clock: Clock;
  readonly random: Random;
  /** Told after each patient. */
  readonly progress: (patients: number, of: number) => void;
}

export interface LaidHoney {
  readonly patients: number;
  readonly records: number;
}

export const honeyLimits = {
  /** Patients laid by one command. */
  patients: 1_000,
} as const;

/** The town's first patients are its demo's, known to whoever has seen that. */
const knownPatients = 20;
/** What gives access, and what leads to others, is not laid. */
const leftOut = new Set(["CareTeam", "RelatedPerson"]);

/** A town that nobody can make again, as the seed is in no place after this. */
function townOf(patients: number, { clock, random }: HoneyDeps): ReturnType<typeof createTown> {
  const seed = random.bytes(6).readUIntBE(0, 6);
  return createTown({ seed, patients, asOf: toIso(clock.now()).slice(0, 10) });
}

interface Named {
  readonly id?: string | undefined;
  readonly resourceType: string;
}

/** Lines of an import, under ids that look like those that Phylax gives. */
function linesOf(resources: readonly Named[], random: Random): string {
  const laid = resources.filter(({ resourceType }) => !leftOut.has(resourceType));
  const lines = laid.map((resource, entry) =>
    JSON.stringify({ file: "honey", entry, resource: { ...resource } }),
  );
  let text = lines.join("\n");
  for (const { id } of laid) if (id !== undefined) text = text.replaceAll(id, random.uuid());
  return text;
}

function laidIn(text: string): LaidHoney | null {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return null;
  const { patients, records } = value;
  return typeof patients === "number" && typeof records === "number" ? { patients, records } : null;
}

/**
 * Lays the records of so many patients who never were, a patient a request. Cut off, those that are
 * laid stay. Fails as the records process refuses.
 */
export async function layHoney(count: number, deps: HoneyDeps): Promise<Result<LaidHoney>> {
  const town = townOf(knownPatients + count, deps);
  const total = { patients: 0, records: 0 };
  for (let n = 0; n < count; n += 1) {
    const lines = linesOf(town.patient(knownPatients + n), deps.random);
    const path = "/internal/keys/honey";
    const answer = await deps.operator.post("records", path, "application/x-ndjson", lines);
    if (!answer.ok) return answer;
    const laid = laidIn(answer.value);
    if (laid === null) return refuse("upstream-unavailable", { detail: "records answered oddly" });
    total.patients += laid.patients;
    total.records += laid.records;
    deps.progress(total.patients, count);
  }
  return ok(total);
}
