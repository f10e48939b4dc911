import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseInstant, type Instant } from "#core/clock.ts";
import { openDossier, type JudgeDeps } from "#breach/dossier.ts";
import { createEpochStarts, type EpochStart } from "#breach/epoch-starts.ts";
import { spanOfQuestion, type ExposureQuestion } from "#breach/question.ts";
import type { KeyFacts, Sighting } from "#breach/sighting.ts";

/** Histories are of whole ticks from 0 to this one, which is now. */
const now = 60;
const residenceMs = 7;
const compartment = "00000000-0000-4000-8000-000000000001";

function at(tick: number): Instant {
  const found = parseInstant(tick);
  assert.ok(found !== null);
  return found;
}

type Act =
  | { readonly act: "unwrap"; readonly host: "a" | "b"; readonly version: number }
  | { readonly act: "rotate"; readonly reach: "all" | "none" | "newest" }
  | { readonly act: "rewrap" }
  | { readonly act: "renew"; readonly host: "a" | "b" }
  | { readonly act: "shred" }
  | { readonly act: "restore" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant("unwrap" as const),
      host: fc.constantFrom("a", "b"),
      version: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("rotate" as const),
      reach: fc.constantFrom("all", "none", "newest"),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ act: "rewrap" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant("renew" as const), host: fc.constantFrom("a", "b") }),
  },
  { weight: 1, arbitrary: fc.constant({ act: "shred" } as const) },
);

/** One data key as it really was: under which epoch from when on, and in whose memory from when on. */
interface TrueKey {
  readonly version: number;
  readonly bornAt: number;
  readonly wraps: { readonly epoch: number; readonly from: number }[];
  readonly uses: { readonly host: string; readonly at: number }[];
}

/** What happened, and what was recorded of it. */
interface World {
  readonly keys: TrueKey[];
  readonly sightings: Sighting[];
  readonly epochs: EpochStart[];
  shreddedAt: number | null;
  lastEpoch: number;
}

const epochOf = (key: TrueKey): number => key.wraps.at(-1)?.epoch ?? 0;

function live(firstAt: number, steps: readonly (readonly [number, Act])[]): World {
  const world: World = {
    keys: [],
    sightings: [],
    epochs: [{ epoch: 1, at: at(0) }],
    shreddedAt: null,
    lastEpoch: 0,
  };
  let epoch = 1;
  let tick = firstAt;
  const record = (key: TrueKey, what: Sighting["record"], host: string | null): void => {
    const known = { record: what, compartment, dekVersion: key.version, kekEpoch: epochOf(key) };
    const source = what === "rewrap" ? "key-log" : "log";
    const holder = host === null ? null : ({ role: "records", host } as const);
    world.sightings.push({ ...known, at: at(tick), holder, source, index: world.sightings.length });
  };
  const make = (host: string): void => {
    const key = {
      version: world.keys.length + 1,
      bornAt: tick,
      wraps: [{ epoch, from: tick }],
      uses: [{ host, at: tick }],
    };
    world.keys.push(key);
    record(key, "create", host);
  };
  const rewrap = (key: TrueKey): void => {
    record(key, "rewrap", null);
    key.wraps.push({ epoch, from: tick });
  };
  make("a");
  for (const [wait, step] of steps) {
    tick += wait;
    if (tick >= now || world.shreddedAt !== null) break;
    switch (step.act) {
      case "unwrap": {
        const key = world.keys[step.version - 1];
        if (key === undefined) break;
        key.uses.push({ host: step.host, at: tick });
        record(key, "unwrap", step.host);
        break;
      }
      case "rotate":
        epoch += 1;
        world.epochs.push({ epoch, at: at(tick) });
        for (const key of world.keys)
          if (step.reach === "all" || (step.reach === "newest" && key === world.keys.at(-1)))
            rewrap(key);
        break;
      case "rewrap":
        for (const key of world.keys) if (epochOf(key) < epoch) rewrap(key);
        break;
      case "renew":
        make(step.host);
        break;
      case "shred":
        world.shreddedAt = tick;
        world.lastEpoch = epoch;
        break;
      case "restore":
        for (const key of world.keys) {
          const old = key.wraps.at(-2);
          if (old !== undefined) key.wraps.push({ epoch: old.epoch, from: tick });
        }
        break;
      default:
        step satisfies never;
    }
  }
  return world;
}

const rowsOf = ({ keys, shreddedAt }: World): readonly Sighting[] =>
  shreddedAt !== null
    ? []
    : keys.map((key) => ({
        record: "row",
        compartment,
        dekVersion: key.version,
        kekEpoch: epochOf(key),
        at: at(now),
        holder: null,
        source: "table",
        index: null,
      }));

function factsOf({ keys, shreddedAt, lastEpoch }: World): KeyFacts {
  const stored = shreddedAt === null ? keys : [];
  const bornAt = new Map(stored.map(({ version, bornAt: born }) => [version, at(born)]));
  const shredding =
    shreddedAt === null ? null : { at: at(shreddedAt), lastEpoch, finishedAt: at(shreddedAt) };
  return { bornAt, shredding };
}

/** What the product says of a world, from its records in any order. */
function asked(question: ExposureQuestion, world: World, sightings: readonly Sighting[]): boolean {
  const judge: JudgeDeps = { residenceMs, epochSince: createEpochStarts(world.epochs) };
  const dossier = openDossier(question, judge);
  for (const sighting of [...sightings, ...rowsOf(world)]) dossier.add(sighting);
  return dossier.close(factsOf(world)).length > 0;
}

const ticksOf = (question: ExposureQuestion): readonly number[] => {
  const { from, until } = spanOfQuestion(question);
  return Array.from({ length: now }, (_, tick) => tick).filter(
    (tick) => tick >= from && tick < until,
  );
};

/** Whether a key was under the epoch at a tick; at the tick of a change it was under both. */
function wasUnder(key: TrueKey, epoch: number, tick: number, { shreddedAt }: World): boolean {
  if (tick < key.bornAt || tick > (shreddedAt ?? now)) return false;
  return key.wraps.some(
    (wrap, n) =>
      wrap.epoch === epoch && wrap.from <= tick && tick <= (key.wraps[n + 1]?.from ?? now),
  );
}

/** What is true, told tick by tick from what happened and not from any record. */
function truth(question: ExposureQuestion, world: World): boolean {
  const ticks = ticksOf(question);
  const { keys, shreddedAt } = world;
  switch (question.kind) {
    case "host":
      return keys.some(({ uses }) =>
        uses.some(
          ({ host, at: used }) =>
            host === question.host &&
            ticks.some((tick) => used <= tick && tick <= used + residenceMs),
        ),
      );
    case "key":
      return keys.some(
        ({ version, bornAt }) =>
          (question.dekVersion === null || question.dekVersion === version) &&
          ticks.some((tick) => bornAt <= tick),
      );
    case "keys-host":
      return keys.some(({ bornAt }) =>
        ticks.some((tick) => bornAt <= tick && tick <= (shreddedAt ?? now)),
      );
    case "kek-epoch":
    case "backup":
      return keys.some((key) =>
        ticks.some((tick) => wasUnder(key, question.epoch ?? 0, tick, world)),
      );
    default:
      return question satisfies never;
  }
}

/** Whether records exclude that a key was under the epoch at a tick; rivals key-history.ts. */
function mayHaveBeen(version: number, epoch: number, tick: number, world: World): boolean {
  const records = [...world.sightings, ...rowsOf(world)].filter(
    ({ dekVersion }) => dekVersion === version,
  );
  const made = records.find(({ record }) => record === "create");
  const began = world.epochs.find((each) => each.epoch === epoch);
  if (made === undefined || began === undefined || began.at > tick) return false;
  if (made.at > tick || (made.kekEpoch ?? 0) > epoch) return false;
  if (world.shreddedAt !== null && (tick > world.shreddedAt || epoch > world.lastEpoch))
    return false;
  return records.every(({ at: seen, kekEpoch }) => {
    const known = kekEpoch ?? 0;
    return (seen >= tick || known <= epoch) && (seen <= tick || known >= epoch);
  });
}

const window = fc
  .tuple(fc.nat(now), fc.nat(now))
  .filter(([one, other]) => one !== other)
  .map(([one, other]) => ({ from: at(Math.min(one, other)), until: at(Math.max(one, other)) }));

const question: fc.Arbitrary<ExposureQuestion> = fc.oneof(
  fc.record({
    kind: fc.constant("host" as const),
    host: fc.constantFrom("a", "b"),
    role: fc.constantFrom(null, "records" as const),
    window,
  }),
  fc.record({
    kind: fc.constant("key" as const),
    compartment: fc.constant(compartment),
    dekVersion: fc.constantFrom(null, 1, 2),
    window,
  }),
  fc.record({ kind: fc.constant("keys-host" as const), window }),
);
const epochQuestion: fc.Arbitrary<ExposureQuestion & { readonly epoch: number }> = fc.oneof(
  fc.record({
    kind: fc.constant("kek-epoch" as const),
    epoch: fc.integer({ min: 1, max: 5 }),
    window,
  }),
  fc.record({
    kind: fc.constant("backup" as const),
    epoch: fc.integer({ min: 1, max: 5 }),
    at: fc.nat(now - 1).map(at),
  }),
);

const steps = (one: fc.Arbitrary<Act>) =>
  fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), one), { maxLength: 12 });
const world = fc.tuple(fc.nat(20), steps(act)).map(([first, all]) => live(first, all));
const restoredWorld = fc
  .tuple(
    fc.nat(20),
    steps(
      fc.oneof(
        { weight: 3, arbitrary: act },
        { weight: 1, arbitrary: fc.constant({ act: "restore" } as const) },
      ),
    ),
  )
  .map(([first, all]) => live(first, all));

const shuffled = (all: readonly Sighting[]) =>
  fc.shuffledSubarray([...all], { minLength: all.length });
const runs = { numRuns: 3_000 };

suite("whatever happened to a patient's keys", () => {
  test("hosts, keys and the keys process expose just whom they exposed in truth", () => {
    fc.assert(
      fc.property(
        world.chain((one) => fc.tuple(fc.constant(one), shuffled(one.sightings))),
        question,
        ([one, records], about) => assert.equal(asked(about, one, records), truth(about, one)),
      ),
      runs,
    );
  });

  test("an epoch or a copy of the database exposes just those whom no record excludes, and none less than in truth", () => {
    fc.assert(
      fc.property(world, epochQuestion, (one, about) => {
        const answer = asked(about, one, one.sightings);
        const expected = ticksOf(about).some((tick) =>
          one.keys.some(({ version }) => mayHaveBeen(version, about.epoch, tick, one)),
        );
        assert.equal(answer, expected);
        if (truth(about, one)) assert.ok(answer, "nobody is left out");
      }),
      runs,
    );
  });

  test("records that were lost never make an epoch expose fewer", () => {
    fc.assert(
      fc.property(
        world.chain((one) =>
          fc.tuple(fc.constant(one), fc.subarray([...one.sightings], { minLength: 1 })),
        ),
        epochQuestion,
        ([one, left], about) => {
          // A version that no record names any more cannot be asked about.
          const known = new Set([...left, ...rowsOf(one)].map(({ dekVersion }) => dekVersion));
          const keys = one.keys.filter(({ version }) => known.has(version));
          if (truth(about, { ...one, keys })) assert.ok(asked(about, one, left));
        },
      ),
      runs,
    );
  });

  test("a record that shows a key under the epoch in the window counts, also where older rows were restored", () => {
    fc.assert(
      fc.property(restoredWorld, epochQuestion, (one, about) => {
        const { from, until } = spanOfQuestion(about);
        const shown = one.sightings.some(
          ({ at: seen, kekEpoch }) => kekEpoch === about.epoch && seen >= from && seen < until,
        );
        if (shown) assert.ok(asked(about, one, one.sightings));
      }),
      runs,
    );
  });
});
