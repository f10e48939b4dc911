import { readdirSync } from "node:fs";
import { holds, type Figure } from "./figure.ts";

const frame = new Set(["run.ts", "figure.ts", "load.ts", "support.ts"]);
const args = process.argv.slice(2);
const asJson = args.includes("--json");
const wanted = args.filter((arg) => !arg.startsWith("--"));

/** A bench file measures when it is imported by name and its `run` is called; others are parts of one. */
interface Bench {
  readonly run: () => Promise<readonly Figure[]>;
}

function isBench(module: unknown): module is Bench {
  return typeof module === "object" && module !== null && "run" in module;
}

function row(figure: Figure): string {
  const value =
    figure.value >= 100
      ? Math.round(figure.value).toLocaleString("en-US")
      : figure.value.toPrecision(3);
  const bound =
    figure.floor === undefined
      ? figure.ceiling === undefined
        ? ""
        : `≤ ${figure.ceiling}`
      : `≥ ${figure.floor}`;
  const ratio =
    figure.ratio === undefined ? "" : `${figure.ratio.toFixed(2)} × ${figure.against ?? ""}`;
  const mark = bound === "" ? " " : holds(figure) ? "✓" : "✗";
  return `${mark} ${figure.name.padEnd(58)} ${value.padStart(12)} ${figure.unit.padEnd(12)} ${bound.padEnd(12)} ${ratio}`;
}

const figures: Figure[] = [];
const files = readdirSync(import.meta.dirname).filter(
  (name) => name.endsWith(".ts") && !frame.has(name),
);
for (const file of files.sort()) {
  const name = file.replace(/\.ts$/, "");
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const module: unknown = await import(`./${file}`);
  if (!isBench(module)) continue;
  if (!asJson) process.stdout.write(`\n${name}\n`);
  for (const figure of await module.run()) {
    figures.push(figure);
    if (!asJson) process.stdout.write(`${row(figure)}\n`);
  }
}

if (asJson) {
  const rows = figures.map((figure) => ({
    ...figure,
    floor: figure.floor ?? figure.ceiling ?? null,
    holds: holds(figure),
  }));
  process.stdout.write(`${JSON.stringify({ figures: rows })}\n`);
}
process.exitCode = figures.length > 0 && figures.every(holds) ? 0 : 1;
