import { importPaths } from "#cli/import/import.ts";
import { systemClock } from "#core/clock.ts";
import { ok } from "#core/result.ts";

// Run by a test as a process of its own, to learn how much memory the client alone takes.
const path = process.argv[2] ?? "";
const place = /^\{"file":"([^"]*)","entry":(\d+),/;

const { created, seconds } = await importPaths({
  paths: [path],
  strict: false,
  clock: systemClock,
  progress: () => {},
  sleep: async () => {},
  send: async (batch) =>
    ok(
      batch.split("\n").map((line) => {
        const [, file = "", entry] = place.exec(line) ?? [];
        return { file, entry: Number(entry), outcome: "created" as const };
      }),
    ),
});
const megabytes = Math.round(process.resourceUsage().maxRSS / 1_024);
process.stdout.write(JSON.stringify({ created, seconds, megabytes }));
