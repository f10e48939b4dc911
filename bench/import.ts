import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTown } from "#town/town.ts";
import { startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import { peakMemoryMb } from "../test/support/processes.ts";
import { noSharedData, synthea } from "../test/support/shared-data.ts";
import type { Figure } from "./figure.ts";

interface Summary {
  readonly created: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly resourcesPerSecond: number;
}

const townPatients = 300;

function writeTown(folder: string): string {
  const town = createTown({ seed: 5, patients: townPatients, asOf: "2026-10-01" });
  const resources = [...town.organisation(), ...[...town.patients()].flat()];
  const path = join(folder, "town.ndjson");
  writeFileSync(path, resources.map((resource) => JSON.stringify(resource)).join("\n"));
  return path;
}

async function importOf(phylax: TestDeployment, path: string): Promise<Summary> {
  const { out, err } = await phylax.run("import", path, "--json");
  const summary = JSON.parse(out === "" ? "{}" : out) as Summary;
  if (summary.refused !== 0) throw new Error(`refused: ${err}${out.slice(0, 500)}`);
  return summary;
}

/** From files on the disk to sealed, logged and durable rows, through the command that people type. */
export async function run(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "phylax-bench-"));
  const phylax = await startDeployment({ args: ["--empty"] });
  try {
    const path = noSharedData === false ? synthea : writeTown(folder);
    const first = await importOf(phylax, path);
    const memory = peakMemoryMb(phylax.home, "records");
    const again = await importOf(phylax, path);
    return [
      {
        name: `import of ${first.created} resources, sealed, logged and durable`,
        value: first.resourcesPerSecond,
        unit: "resources/s",
        floor: 2_000,
        ratio: first.resourcesPerSecond / again.resourcesPerSecond,
        against: "the same again, all unchanged",
      },
      {
        name: "peak memory of the records process meanwhile",
        value: memory,
        unit: "MB",
        ceiling: 600,
      },
    ];
  } finally {
    await phylax.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}
