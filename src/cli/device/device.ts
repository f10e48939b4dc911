import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import type { DeviceQuestion } from "#breach/device-report.ts";
import { askIdentity, listAt, openedHome, textAt, type Fields } from "#cli/ask.ts";
import { verifyReport, writeReport } from "#cli/device/report.ts";
import { parseTime } from "#cli/keys/exposure/question.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { exitCodes } from "#cli/terminal.ts";
import type { Instant } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";

interface ListOptions {
  readonly account?: string;
  readonly lost?: boolean;
  readonly managedBy?: string;
  readonly leastLevel?: string;
  readonly mostLevel?: string;
  readonly after?: string;
  readonly json?: boolean;
}

interface ReportOptions {
  readonly from?: string;
  readonly to?: string;
  readonly out?: string;
}

const ownerOf = (device: Fields): string => {
  const { owner } = device;
  return isRecord(owner) ? textAt(owner, "displayName") : "";
};

function describe(device: Fields): string {
  const lostAt = textAt(device, "lostAt");
  const managedBy = textAt(device, "managedBy");
  const lines = [
    `${textAt(device, "name") || "A device without a name"}  (${textAt(device, "kind")}, level ${textAt(device, "level")})`,
    `  id        ${textAt(device, "id")}`,
    `  of        ${ownerOf(device)}`,
    `  last seen ${textAt(device, "lastSeenAt")} ${textAt(device, "lastZone")}`.trimEnd(),
    ...(managedBy === "" ? [] : [`  managed   ${managedBy}`]),
    ...(textAt(device, "attestation") === "none"
      ? []
      : [`  attested  ${textAt(device, "attestation")}`]),
    ...(lostAt === "" ? [] : [`  LOST      ${lostAt}`]),
  ];
  return `${lines.join("\n")}\n`;
}

async function list(context: CommandContext, options: ListOptions): Promise<number> {
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const rung = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Number(text);
  const page = await askIdentity(context, opened, "/internal/devices/list", {
    account: options.account,
    lost: options.lost === true ? true : undefined,
    managedBy: options.managedBy,
    leastLevel: rung(options.leastLevel),
    mostLevel: rung(options.mostLevel),
    after: options.after,
  });
  if (typeof page === "number") return page;
  const items = listAt(page, "items").filter(isRecord);
  const { out } = context.terminal;
  if (options.json === true) out(`${JSON.stringify(page)}\n`);
  else if (items.length === 0) out("No such device.\n");
  else out(items.map(describe).join("\n"));
  const next = textAt(page, "next");
  if (options.json !== true && next !== "") out(`\nThere are more: --after ${next}\n`);
  return exitCodes.done;
}

async function show(
  context: CommandContext,
  id: string,
  options: Pick<ListOptions, "json">,
): Promise<number> {
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const device = await askIdentity(context, opened, "/internal/devices/show", { id });
  if (typeof device === "number") return device;
  context.terminal.out(options.json === true ? `${JSON.stringify(device)}\n` : describe(device));
  return exitCodes.done;
}

/** The report's folder: of its own for each time, unless the operator names one. */
const folderOf = (homePath: string, id: string, out: string | undefined): string =>
  out ?? `${homePath}/reports/device-${id}`;

/** Null when a time was given that is none. */
function windowOf({ from, to }: ReportOptions): DeviceQuestion["window"] | null {
  const edge = (text: string | undefined): Instant | null | undefined =>
    text === undefined ? undefined : parseTime(text);
  const [begin, end] = [edge(from), edge(to)];
  if (begin === null || end === null) return null;
  return { from: begin ?? null, until: end ?? null };
}

async function report(
  context: CommandContext,
  id: string,
  options: ReportOptions,
): Promise<number> {
  const { terminal, environment } = context;
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const window = windowOf(options);
  if (window === null) {
    terminal.err("--from and --to take a time such as 2026-10-31T22:00:00Z, or a date.\n");
    return exitCodes.usage;
  }
  const device = await askIdentity(context, opened, "/internal/devices/show", { id });
  if (typeof device === "number") return device;
  const lostAt = textAt(device, "lostAt");
  const devices = listAt(device, "devices").filter((one) => typeof one === "string");
  const question = { devices, lostAt: lostAt === "" ? null : lostAt, window };
  return writeReport(context, opened, question, folderOf(environment.homePath, id, options.out));
}

async function lose(
  context: CommandContext,
  id: string,
  options: Pick<ReportOptions, "out">,
): Promise<number> {
  const { terminal, environment } = context;
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const lost = await askIdentity(context, opened, "/internal/devices/lost", { id });
  if (typeof lost === "number") return lost;
  terminal.out(
    `Device ${textAt(lost, "id")} is shut out since ${textAt(lost, "lostAt")}; ${textAt(lost, "sessionsEnded")} sessions ended now.\n`,
  );
  const devices = listAt(lost, "devices").filter((one) => typeof one === "string");
  const window = { from: null, until: null };
  const question = { devices, lostAt: textAt(lost, "lostAt"), window };
  return writeReport(context, opened, question, folderOf(environment.homePath, id, options.out));
}

function registerReports(
  device: Command,
  context: CommandContext,
  done: (code: number) => void,
): void {
  device
    .command("lost")
    .description("Shut a lost or stolen device out, and report what it was shown")
    .argument("<id>", "its id, as `phylax device list` tells it")
    .option("--out <folder>", "where the report goes (default: reports/ in the deployment's home)")
    .addHelpText(
      "after",
      "\nSessions, tokens, certificates and live answers end within a second; its key signs in no more.\n\nExample:\n  phylax device lost 3f0c2a34-5a0e-4d1a-9d5e-2f6b8f0f7a11",
    )
    .action(async (id: string, options: ReportOptions) => done(await lose(context, id, options)));
  device
    .command("report")
    .description("Report what a device was shown, from the log and signed with the log's key")
    .argument("<id>", "its id")
    .option("--from <time>", "from this time on")
    .option("--to <time>", "until this time, not included")
    .option("--out <folder>", "where the report goes")
    .action(async (id: string, options: ReportOptions) => done(await report(context, id, options)));
  device
    .command("verify-report")
    .description("Check that a report is as it was signed")
    .argument("<note>", "its .note file; the others lie beside it")
    .action(async (path: string) => done(await verifyReport(context, path)));
}

async function enrol(
  context: CommandContext,
  id: string,
  { managedBy }: { readonly managedBy: string },
): Promise<number> {
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const body = { id, managedBy: managedBy === "" ? null : managedBy };
  const done = await askIdentity(context, opened, "/internal/devices/enrol", body);
  if (typeof done === "number") return done;
  const name = textAt(done, "managedBy");
  const { out } = context.terminal;
  out(name === "" ? "Nobody manages it any more.\n" : `It is managed by ${name} from now on.\n`);
  return exitCodes.done;
}

async function certify(
  context: CommandContext,
  id: string,
  options: { readonly csr: string; readonly out: string },
): Promise<number> {
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const csr = readRequest(options.csr);
  if (csr === null) {
    context.terminal.err(`${options.csr} cannot be read.\n`);
    return exitCodes.usage;
  }
  const made = await askIdentity(context, opened, "/internal/devices/certificate", { id, csr });
  if (typeof made === "number") return made;
  writeFileSync(options.out, `${textAt(made, "certificate")}\n${textAt(made, "authority")}\n`);
  context.terminal.out(
    `${options.out} holds its certificate, good until ${textAt(made, "expiresAt")}.\nWithout it the device's key is good for nothing from now on.\n`,
  );
  return exitCodes.done;
}

const requestBytesMax = 16 * 1024;

function readRequest(path: string): string | null {
  try {
    return statSync(path).size > requestBytesMax ? null : readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function registerManaging(
  device: Command,
  context: CommandContext,
  done: (code: number) => void,
): void {
  device
    .command("enrol")
    .description("Say who manages a device, so that it can have a certificate")
    .argument("<id>", "its id")
    .requiredOption("--managed-by <name>", 'the manager\'s name; "" when nobody does any more')
    .action(async (id: string, options: { managedBy: string }) =>
      done(await enrol(context, id, options)),
    );
  device
    .command("certificate")
    .description("Sign a certificate of 7 days for a managed device")
    .argument("<id>", "its id")
    .requiredOption("--csr <file>", "its certificate request: PKCS #10, PEM")
    .requiredOption("--out <file>", "where the certificate goes")
    .action(async (id: string, options: { csr: string; out: string }) =>
      done(await certify(context, id, options)),
    );
}

export const deviceCommand: Register = (program, context, done) => {
  const device = program.command("device").description("Devices that people have used");
  device
    .command("list")
    .description("List them, newest first")
    .option("--account <id>", "of this account alone")
    .option("--lost", "that were told to be lost")
    .option("--managed-by <name>", "that this manager looks after")
    .option("--least-level <rung>", "on this rung of the ladder (0 to 4) or above")
    .option("--most-level <rung>", "on this rung or below")
    .option("--after <id>", "go on after this device")
    .option("--json", "print one JSON object")
    .action(async (options: ListOptions) => done(await list(context, options)));
  device
    .command("show")
    .description("Show one")
    .argument("<id>", "its id")
    .option("--json", "print one JSON object")
    .action(async (id: string, options: ListOptions) => done(await show(context, id, options)));
  registerManaging(device, context, done);
  registerReports(device, context, done);
};
