import { openHome, readSettings, type Home, type Settings } from "#assembly/home.ts";
import { inviteFirstAdministrator, openDemo, type DemoSignIn } from "#assembly/demo.ts";
import { servingRoles, startDeployment, type Deployment } from "#assembly/deployment.ts";
import { runRole, type Site } from "#assembly/role-process.ts";
import { systemClock } from "#core/clock.ts";
import type { Problem, ProblemCode } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, paint, sayProblem, step, type Terminal } from "#cli/terminal.ts";

const defaultPort = 8_443;

interface Options {
  readonly empty?: boolean;
  readonly host?: string;
  readonly port?: string;
  readonly origin?: string;
  readonly role?: string;
}

export const startCommand: Register = (program, context, done) => {
  program
    .command("start")
    .description("Bring Phylax up on this machine; Ctrl-C stops it")
    .option(
      "--empty",
      "start a new home without demo patients and print the first administrator's link",
    )
    .option("--port <number>", `public port (default ${defaultPort}, or $PHYLAX_PORT)`)
    .option("--host <address>", "address to listen on (default 127.0.0.1; a demo allows no other)")
    .option(
      "--origin <url>",
      "the address that browsers use (default https://localhost and the port)",
    )
    .option("--role <role>", `run one process alone: ${servingRoles.join(" | ")}`)
    .addHelpText(
      "after",
      "\nExamples:\n  phylax start\n  phylax start --empty --port 9443\n  PHYLAX_HOME=/srv/phylax phylax start",
    )
    .action(async (options: Options) => done(await start(options, context)));
};

const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

/** Where it is to be found; a text says what is wrong with the options. */
function chosenSite(options: Options, context: CommandContext): Site | string {
  const port =
    options.port === undefined ? (context.environment.port ?? defaultPort) : Number(options.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return `"${options.port}" is not a port; give a number from 1 to 65535.`;
  const host = options.host ?? "127.0.0.1";
  const publicOrigin = options.origin ?? `https://localhost:${port}`;
  const parsed = URL.canParse(publicOrigin) ? new URL(publicOrigin) : null;
  if (parsed?.protocol !== "https:" || parsed.origin !== publicOrigin)
    return `"${publicOrigin}" is not an https origin such as https://portal.example.org.`;
  return { host, port, publicOrigin };
}

async function start(options: Options, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const site = chosenSite(options, context);
  if (typeof site === "string") {
    terminal.err(`${site}\n`);
    return exitCodes.usage;
  }
  if (options.role !== undefined) {
    const role = servingRoles.find((known) => known === options.role);
    if (role !== undefined) return runRole(role, environment, site);
    terminal.err(`There is no role "${options.role}". Choose one of: ${servingRoles.join(", ")}\n`);
    return exitCodes.usage;
  }
  const home = openHome(environment.homePath);
  if (!home.ok) {
    sayProblem(terminal, home.problem);
    return exitCodes.config;
  }
  const kept = readSettings(home.value);
  if (options.empty === true && kept?.mode === "demo") {
    terminal.err(
      "This home holds the demo already; choose another with PHYLAX_HOME to start empty.\n",
    );
    return exitCodes.config;
  }
  const mode = kept?.mode ?? (options.empty === true ? "empty" : "demo");
  if (mode === "demo" && !loopback.has(site.host)) {
    terminal.err(
      "A demo has passwords that all the world knows, so it listens on this machine alone. Leave --host out, or start with --empty.\n",
    );
    return exitCodes.refused;
  }
  return startAll(home.value, mode, site, context);
}

async function startAll(
  home: Home,
  mode: Settings["mode"],
  site: Site,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  const stopAsked = untilStopAsked();
  terminal.out(`${paint(terminal, "bold", "Phylax")} starts in ${home.path}\n`);
  const started = await startDeployment({
    home,
    site,
    mode,
    environment: context.environment,
    main: context.main,
    variables: context.variables,
    clock: systemClock,
    random: systemRandom,
    step: (name, work) => step(terminal, name, work),
    warn: (text) => terminal.err(`  ${paint(terminal, "yellow", "!")} ${text}\n`),
  });
  if (!started.ok) {
    sayProblem(terminal, started.problem);
    return otherExits.get(started.problem.code) ?? exitCodes.software;
  }
  const deployment = started.value;
  const welcomed = await welcome(home, deployment, terminal);
  if (welcomed === null) await stopAsked;
  else sayProblem(terminal, welcomed);
  terminal.out("\nStopping… ");
  await deployment.stop();
  terminal.out("stopped.\n");
  return welcomed === null ? exitCodes.done : exitCodes.software;
}

/** Ctrl-C while a start is under way counts too: it stops as soon as it stands. */
function untilStopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => resolve());
  });
}

const otherExits = new Map<ProblemCode, number>([
  ["already-running", exitCodes.unavailable],
  ["port-busy", exitCodes.unavailable],
  ["root-key-refused", exitCodes.config],
  ["key-ring-refused", exitCodes.config],
  ["home-refused", exitCodes.config],
]);

async function welcome(
  home: Home,
  deployment: Deployment,
  terminal: Terminal,
): Promise<Problem | null> {
  terminal.out(
    `\n  ${paint(terminal, "bold", deployment.publicOrigin)}  ${paint(terminal, "dim", "(Ctrl-C stops everything)")}\n`,
  );
  terminal.out(
    `  ${paint(terminal, "dim", "Passkeys need a trusted certificate: npx phylax ca > phylax-ca.pem, and add it to your browser.")}\n`,
  );
  if (deployment.settings.mode === "empty") {
    const link = await inviteFirstAdministrator(home, deployment.publicOrigin);
    if (!link.ok) return link.problem;
    terminal.out(
      `\n  One-time link for the first administrator:\n  ${paint(terminal, "cyan", link.value)}\n`,
    );
    return null;
  }
  const bar = progressBar(terminal, "Demo town");
  const demo = await openDemo(home, deployment.publicOrigin, bar);
  bar.stop();
  if (!demo.ok) return demo.problem;
  sayDemo(demo.value, terminal);
  return null;
}

function sayDemo(signIns: readonly DemoSignIn[], terminal: Terminal): void {
  terminal.out("\n  Sign in as (invented people; the link makes a passkey, once):\n");
  for (const { role, displayName, link, login, password, totpSeed } of signIns) {
    terminal.out(`\n  ${paint(terminal, "bold", role.padEnd(18))} ${displayName}\n`);
    terminal.out(`    link      ${paint(terminal, "cyan", link)}\n`);
    terminal.out(`    or        ${login} / ${password}, one-time code from the seed ${totpSeed}\n`);
  }
  terminal.out("\n");
}
