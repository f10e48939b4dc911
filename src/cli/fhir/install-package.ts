import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { openHome } from "#assembly/home.ts";
import { askStatus } from "#assembly/only-one.ts";
import { openOperator } from "#assembly/operator.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, sayProblem, type Terminal } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import { packageLimits } from "#records/packages/read-package.ts";

interface Options {
  readonly json?: boolean;
}

export function installPackageCommand(
  fhir: Command,
  context: CommandContext,
  done: (code: number) => void,
): void {
  fhir
    .command("install-package")
    .description("Install a FHIR package: its profiles, value sets and search parameters")
    .argument("<file.tgz>", "a package for R4, as HL7's package registries serve it")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nA resource that names an installed profile in meta.profile must then conform to it. Packages that\nthis one depends on are not fetched: install them, too, where their definitions are wanted. What is\nstored already is not checked anew. The same archive again changes nothing.\n\nExit codes: 0 done, 64 no such file, 69 Phylax does not answer, 77 not a package that can be installed.\n\nExamples:\n  phylax fhir install-package us-core-6.1.0.tgz\n  phylax fhir install-package us-core-6.1.0.tgz --json | jq .definitions",
    )
    .action(async (file: string, options: Options) => done(await run(file, options, context)));
}

async function archiveOf(file: string): Promise<Result<Buffer> | null> {
  try {
    const { size } = await stat(file);
    if (size > packageLimits.archiveBytes) return refuse("body-too-large");
    return { ok: true, value: await readFile(file) };
  } catch {
    return null;
  }
}

async function run(
  file: string,
  { json = false }: Options,
  { environment, terminal }: CommandContext,
): Promise<number> {
  const archive = await archiveOf(file);
  if (archive === null) {
    terminal.err(`There is no file ${file} that can be read.\n`);
    return exitCodes.usage;
  }
  if (!archive.ok) {
    sayProblem(terminal, archive.problem);
    return exitCodes.refused;
  }
  const home = openHome(environment.homePath);
  const status = home.ok ? await askStatus(home.value) : null;
  if (!home.ok || status === null) {
    sayProblem(terminal, home.ok ? notRunning : home.problem);
    return exitCodes.unavailable;
  }
  const operator = await openOperator(home.value);
  const answer = await operator.post(
    "records",
    "/internal/fhir/packages",
    "application/gzip",
    archive.value,
  );
  await operator.close();
  if (!answer.ok) {
    sayProblem(terminal, answer.problem);
    return answer.problem.code === "package-refused" ? exitCodes.refused : exitCodes.unavailable;
  }
  if (json) terminal.out(`${answer.value}\n`);
  else say(terminal, JSON.parse(answer.value));
  return exitCodes.done;
}

const notRunning = problem("upstream-unavailable", {
  detail: "Phylax does not run on this home. Start it with: npm start",
});

function say(terminal: Terminal, answer: unknown): void {
  if (!isRecord(answer)) return;
  const { name, version, changed, definitions } = answer;
  const counts = isRecord(definitions)
    ? Object.entries(definitions).filter(([, count]) => count !== 0)
    : [];
  const held = counts.map(([kind, count]) => `${String(count)} ${kind}`).join(", ");
  const done = changed === true ? "is installed" : "was installed already";
  terminal.out(
    `${paint(terminal, "green", "✓")} ${String(name)} ${String(version)} ${done}: ${held}\n`,
  );
}
