import { readFileSync, statSync } from "node:fs";
import type { Command } from "commander";
import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";

const keyFileBytesMax = 64 * 1024;

interface RegisterOptions {
  readonly kind: string;
  readonly scope: readonly string[];
  readonly redirectUri?: readonly string[];
  readonly launchUri?: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly ownNetwork?: boolean;
  readonly binding: string;
  readonly json?: boolean;
}

const textAt = (value: Readonly<Record<string, unknown>>, name: string): string => {
  const text = value[name];
  return typeof text === "string" ? text : "";
};

const listAt = (value: Readonly<Record<string, unknown>>, name: string): string => {
  const list: unknown = value[name];
  return Array.isArray(list) ? list.map(String).join(" ") : "";
};

/** One app in a few lines. */
function describe(app: Readonly<Record<string, unknown>>): string {
  const lines = [
    `${textAt(app, "name")}  (${textAt(app, "kind")}, ${textAt(app, "status")})`,
    `  client id  ${textAt(app, "id")}`,
    `  scopes     ${listAt(app, "scopes")}`,
    ...(listAt(app, "redirectUris") === "" ? [] : [`  answers to ${listAt(app, "redirectUris")}`]),
    `  registered ${textAt(app, "registeredAt")} by ${textAt(app, "registeredBy")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function readKeys(path: string): unknown {
  try {
    if (statSync(path).size > keyFileBytesMax) return null;
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

interface Asking {
  readonly path: string;
  readonly body: unknown;
  readonly json: boolean;
}

/** Asks the running deployment; says what it answered; gives the exit code. */
async function ask({ environment, terminal }: CommandContext, asking: Asking): Promise<number> {
  const home = openHome(environment.homePath);
  if (!home.ok) {
    sayProblem(terminal, home.problem);
    return exitCodes.config;
  }
  const operator = await openOperator(home.value);
  const answer = await operator.postJson("identity", asking.path, asking.body);
  await operator.close();
  if (!answer.ok) {
    sayProblem(terminal, answer.problem);
    return answer.problem.code === "upstream-unavailable"
      ? exitCodes.unavailable
      : exitCodes.refused;
  }
  const { value } = answer;
  const items = isRecord(value) && Array.isArray(value["items"]) ? value["items"] : [value];
  if (asking.json) terminal.out(`${JSON.stringify(value)}\n`);
  else if (items.length === 0) terminal.out("No app is registered.\n");
  else terminal.out(items.filter(isRecord).map(describe).join("\n"));
  return exitCodes.done;
}

function registerAppCommand(apps: Command, context: CommandContext, done: (code: number) => void) {
  apps
    .command("register")
    .description("Register an app or a service, approved by you, and print its client id")
    .argument("<name>", "the name that people will be shown")
    .requiredOption("--kind <kind>", "public | confidential | backend (a service without a person)")
    .requiredOption("--scope <scope...>", "the most that it may ask for, e.g. patient/*.rs")
    .option("--redirect-uri <uri...>", "where an app is answered; https, or http on the device")
    .option("--launch-uri <uri>", "where a launch from a chart begins")
    .option("--jwks <file>", "its public keys, a JWK Set")
    .option("--jwks-uri <uri>", "the https address of its public keys")
    .option("--own-network", "that address may lie in your own network")
    .option("--binding <binding>", "what its tokens are bound to: dpop | bearer", "dpop")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  phylax apps register 'Growth chart' --kind public --redirect-uri https://app.example/ --scope openid fhirUser launch patient/*.rs\n  phylax apps register 'Night report' --kind backend --jwks keys.json --scope system/Observation.rs",
    )
    .action(async (name: string, options: RegisterOptions) => {
      const jwks = options.jwks === undefined ? undefined : readKeys(options.jwks);
      if (jwks === null) {
        context.terminal.err(`${options.jwks} holds no JWK Set that can be read.\n`);
        done(exitCodes.usage);
        return;
      }
      const body = {
        name,
        kind: options.kind,
        scopes: options.scope,
        redirectUris: options.redirectUri,
        launchUri: options.launchUri,
        jwks,
        jwksUri: options.jwksUri,
        ownNetwork: options.ownNetwork,
        binding: options.binding,
      };
      done(await ask(context, { path: "/internal/apps", body, json: options.json === true }));
    });
}

export const appsCommand: Register = (program, context, done) => {
  const apps = program.command("apps").description("Apps and services that may ask for tokens");
  registerAppCommand(apps, context, done);
  apps
    .command("list")
    .description("List them, those that wait for approval first")
    .option("--json", "print one JSON object")
    .action(async (options: { json?: boolean }) => {
      const json = options.json === true;
      done(await ask(context, { path: "/internal/apps/list", body: {}, json }));
    });
  for (const [name, description] of [
    ["approve", "Let an app that waits ask for tokens"],
    ["revoke", "End an app for good, with its sessions and tokens"],
  ] as const)
    apps
      .command(name)
      .description(description)
      .argument("<id>", "its client id")
      .option("--json", "print one JSON object")
      .action(async (id: string, options: { json?: boolean }) => {
        const json = options.json === true;
        done(await ask(context, { path: `/internal/apps/${name}`, body: { id }, json }));
      });
};
