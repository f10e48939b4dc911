import { globSync, readFileSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { startTestServer } from "#storage/test-server.ts";

/**
 * Runs the tests on one shared PostgreSQL server and names at the end each test that was skipped.
 * `--no-skips` makes a skip a failure; other arguments choose files whose path holds one of them.
 * Property tests begin with a seed that is named at the start: any by default, PHYLAX_TEST_SEED where
 * that is set, and always the same with `--no-skips`, so that what passed once passes again.
 */
const args = process.argv.slice(2);
const noSkips = args.includes("--no-skips");
const wanted = args.filter((arg) => !arg.startsWith("--"));
const root = new URL("..", import.meta.url).pathname;
const files = globSync(
  ["src/**/*.test.ts", "portal/src/**/*.test.ts", "portal/test/**/*.test.ts", "test/**/*.test.ts"],
  { cwd: root },
)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => `${root}${file}`);

if (files.length === 0) {
  process.stderr.write("No test file fits; nothing was tested.\n");
  process.exit(1);
}

const server = await startTestServer();
process.env["PHYLAX_TEST_POSTGRES"] = JSON.stringify(server.connection);

const seed = process.env["PHYLAX_TEST_SEED"] ?? (noSkips ? "1" : String(Date.now() % 2 ** 31));
process.env["PHYLAX_TEST_SEED"] = seed;
process.stdout.write(`Property tests begin with PHYLAX_TEST_SEED=${seed}\n`);
const seeding = ["--import", new URL("support/seed.ts", import.meta.url).href];
const hasProperties = (file: string): boolean => readFileSync(file, "utf8").includes("fast-check");

let failed = 0;
let passed = 0;
const skipped: string[] = [];

async function runFiles(some: readonly string[], execArgv: readonly string[]): Promise<void> {
  if (some.length === 0) return;
  const stream = run({
    files: [...some],
    concurrency: 2,
    timeout: 15 * 60_000,
    execArgv: [...execArgv],
  });
  stream.on("test:fail", () => {
    failed += 1;
  });
  stream.on("test:pass", (event) => {
    if (event.skip === undefined) passed += 1;
    else skipped.push(`${event.name}${typeof event.skip === "string" ? ` (${event.skip})` : ""}`);
  });
  stream.compose(spec).pipe(process.stdout, { end: false });
  await new Promise((resolve) => stream.once("end", resolve));
}

await runFiles(files.filter(hasProperties), seeding);
await runFiles(
  files.filter((file) => !hasProperties(file)),
  [],
);
await server.stop();

if (skipped.length > 0) {
  process.stdout.write(
    `\nSkipped for want of something on this machine:\n${skipped.map((name) => `  - ${name}\n`).join("")}`,
  );
}
if (noSkips && skipped.length > 0) process.stdout.write("Here a skip counts as a failure.\n");
process.exitCode = failed > 0 || passed === 0 || (noSkips && skipped.length > 0) ? 1 : 0;
