import { Client } from "pg";
import type { Figure } from "../figure.ts";
import type { Reached } from "../load.ts";
import { runTidily } from "../support.ts";
import {
  barePg,
  creating,
  observationByCode,
  patientByName,
  reading,
  transactions,
} from "./phases.ts";
import { settle } from "./settle.ts";
import { openBenchWorld, type BenchWorld } from "./world.ts";

/** What one records process reached with so many resources stored. */
export interface Measured {
  readonly resources: number;
  readonly read: Reached;
  readonly byName: Reached;
  readonly byCode: Reached;
  readonly create: Reached;
  readonly transaction: Reached;
  readonly select: Reached;
  readonly insert: Reached;
  /** MB resident after the load, and the most there were. */
  readonly rssMb: number;
  readonly peakMb: number;
}

const mb = 1_024 * 1_024;

/**
 * Has the server do at once what an import leaves it to do in the minutes after: a deployment goes on
 * for months, and a figure of five seconds would be one of the vacuum.
 */
async function digest({ ready }: BenchWorld): Promise<void> {
  const admin = new Client(ready.admin);
  await admin.connect();
  await admin.query("VACUUM ANALYZE");
  await admin.query("CHECKPOINT");
  await admin.end();
}

/** A town of about so many resources, then every kind of load in turn. */
export function measure(resources: number, plain = false): Promise<Measured> {
  return runTidily(async (tidy) => {
    const world = await openBenchWorld(tidy, plain);
    const settled = await settle(world, resources);
    await digest(world);
    const loaded = {
      resources: settled.resources,
      read: await reading(world, settled),
      byName: await patientByName(world, settled),
      byCode: await observationByCode(world, settled),
      create: await creating(world, settled),
      transaction: await transactions(world, settled),
    };
    const { rssBytes, peakBytes } = await world.memory();
    const limit = await barePg(world);
    return { ...loaded, ...limit, rssMb: rssBytes / mb, peakMb: peakBytes / mb };
  });
}

/** The figures that FHIR clients feel, held against what is promised of them. */
export function figuresOf(ours: Measured): readonly Figure[] {
  const { read, byName, byCode, create, transaction, select, insert } = ours;
  const selecting = { against: "a bare pg select of one row" };
  const inserting = { against: "a bare pg insert of one row" };
  return [
    {
      name: "read",
      value: read.perSecond,
      unit: "/s",
      floor: 4_000,
      ratio: read.perSecond / select.perSecond,
      ...selecting,
    },
    { name: "p99 of it", value: read.p99Ms, unit: "ms", ceiling: 15 },
    {
      name: "search of Patient by name",
      value: byName.perSecond,
      unit: "/s",
      floor: 2_500,
      ratio: byName.perSecond / select.perSecond,
      ...selecting,
    },
    {
      name: "search of Observation by patient and code",
      value: byCode.perSecond,
      unit: "/s",
      floor: 2_500,
      ratio: byCode.perSecond / select.perSecond,
      ...selecting,
    },
    {
      name: "create",
      value: create.perSecond,
      unit: "/s",
      floor: 2_000,
      ratio: create.perSecond / insert.perSecond,
      ...inserting,
    },
    { name: "p99 of it", value: create.p99Ms, unit: "ms", ceiling: 20 },
    {
      name: "transaction of 467 entries, p50",
      value: transaction.p50Ms,
      unit: "ms",
      ceiling: 250,
    },
    { name: "memory of the records process", value: ours.rssMb, unit: "MB", ceiling: 350 },
    { name: "the most it ever had", value: ours.peakMb, unit: "MB" },
    { name: "bare pg select, 16 clients", value: select.perSecond, unit: "/s" },
    { name: "bare pg insert, 16 clients", value: insert.perSecond, unit: "/s" },
  ];
}
