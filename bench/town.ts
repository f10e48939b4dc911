import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Send } from "#cli/import/courier.ts";
import { importPaths } from "#cli/import/import.ts";
import { systemClock } from "#core/clock.ts";
import { ok } from "#core/result.ts";
import { createTown, type Town } from "#town/town.ts";
import type { Figure } from "./figure.ts";

const asOf = "2026-10-01";

/** The town's makers, in resources a second on one core, and the heap that stays in use meanwhile. */
function generation(): readonly Figure[] {
  const warm = createTown({ seed: 1, patients: 500, asOf });
  for (const resources of warm.patients()) void resources.length;
  const town = createTown({ seed: 2, patients: 5_000, asOf });
  const before = process.memoryUsage().heapUsed;
  const began = performance.now();
  let count = 0;
  let most = 0;
  for (const resources of town.patients()) {
    count += resources.length;
    most = Math.max(most, process.memoryUsage().heapUsed);
  }
  const seconds = (performance.now() - began) / 1_000;
  return [
    { name: "town: resources made", value: count / seconds, unit: "/s", floor: 20_000 },
    {
      name: "town: heap above its start while making 5,000 patients",
      value: (most - before) / 2 ** 20,
      unit: "MB",
      ceiling: 200,
    },
  ];
}

/** Any one patient of a million, asked for out of order. */
function randomAccess(): Figure {
  const patients = 1_000_000;
  const town = createTown({ seed: 1, patients, asOf });
  const asked = 2_000;
  const began = performance.now();
  // A stride that meets no patient twice and jumps between districts each time.
  for (let at = 0; at < asked; at += 1) town.patient((at * 382_939) % patients);
  const each = (performance.now() - began) / asked;
  return {
    name: "town: one patient of a million, out of order",
    value: each,
    unit: "ms",
    ceiling: 20,
  };
}

const place = /^\{"file":("[^"]*"),"entry":(\d+),/;

/** A server that costs nothing, so that only the client is measured. */
const accept: Send = async (batch) =>
  ok(
    batch.split("\n").map((line) => {
      const [, file = '""', entry] = place.exec(line) ?? [];
      return { file: String(JSON.parse(file)), entry: Number(entry), outcome: "created" as const };
    }),
  );

async function writeLines(town: Town, path: string): Promise<void> {
  const file = await open(path, "w");
  for (const resources of town.patients()) {
    await file.write(resources.map((resource) => `${JSON.stringify(resource)}\n`).join(""));
  }
  await file.close();
}

async function client(): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), "phylax-bench-"));
  try {
    await writeLines(createTown({ seed: 4, patients: 400, asOf }), join(folder, "town.ndjson"));
    const began = process.cpuUsage();
    const { created } = await importPaths({
      paths: [folder],
      send: accept,
      progress: () => {},
      strict: false,
      clock: systemClock,
      sleep: async () => {},
    });
    const { user, system } = process.cpuUsage(began);
    // By processor time, as the client shares its machine with the server that it feeds.
    return {
      name: "import: resources the client reads, links and batches",
      value: created / ((user + system) / 1e6),
      unit: "/s of CPU",
      floor: 15_000,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function run(): Promise<Figure[]> {
  return [...generation(), randomAccess(), await client()];
}
