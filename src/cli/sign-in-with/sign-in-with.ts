import { readFileSync, statSync } from "node:fs";
import type { Command } from "commander";
import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { addedWords, listWords } from "#cli/sign-in-with/say.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";

/** Secrets and certificates are short; anything longer is the wrong file. */
const fileBytesMax = 64 * 1024;

function readText(path: string): string | null {
  try {
    return statSync(path).size > fileBytesMax ? null : readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

type Done = (code: number) => void;

interface Asking {
  readonly action: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  readonly say: (answer: unknown) => string;
}

/** Asks the running deployment; says what it answered; gives the exit code. */
async function ask({ environment, terminal }: CommandContext, asking: Asking): Promise<number> {
  const home = openHome(environment.homePath);
  if (!home.ok) {
    sayProblem(terminal, home.problem);
    return exitCodes.config;
  }
  const operator = await openOperator(home.value);
  const path = `/internal/sign-in-with/${asking.action}`;
  const answer = await operator.postJson("identity", path, asking.body);
  await operator.close();
  if (!answer.ok) {
    sayProblem(terminal, answer.problem);
    return answer.problem.code === "upstream-unavailable"
      ? exitCodes.unavailable
      : exitCodes.refused;
  }
  terminal.out(asking.json ? `${JSON.stringify(answer.value)}\n` : asking.say(answer.value));
  return exitCodes.done;
}

interface AddOptions {
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly secretFile: string;
  readonly acr?: readonly string[];
  readonly amr?: readonly string[];
  readonly vouched?: boolean;
  readonly alg?: string;
  readonly sso?: boolean;
  readonly ca?: string;
  readonly json?: boolean;
}

function assuranceOf({ acr, amr, vouched }: AddOptions): object {
  if (vouched === true) return { kind: "vouched" };
  if (acr !== undefined) return { kind: "acr", values: acr };
  return { kind: "amr", values: amr ?? ["mfa"] };
}

function addCommand(group: Command, context: CommandContext, done: Done): void {
  group
    .command("add")
    .description("Let staff sign in at an OpenID Provider; again, to change its settings")
    .argument("<name>", "your short name for it, as it stands in addresses: entra, st-mary")
    .requiredOption("--label <text>", "what the button says after 'Sign in with'")
    .requiredOption("--issuer <url>", "its issuer, as its metadata name it")
    .requiredOption("--client-id <id>", "the client id that it gave you")
    .requiredOption("--secret-file <file>", "a file with the client secret that it gave you")
    .option("--amr <value...>", "its tokens must show one of these ways (RFC 8176); default: mfa")
    .option("--acr <value...>", "its tokens must show one of these classes instead")
    .option(
      "--vouched",
      "it asks everybody for two factors by your word; its tokens need not say so",
    )
    .option("--alg <name>", "how it signs its tokens", "RS256")
    .option("--sso", "a sign-in that is still open there is enough; not on shared machines")
    .option("--ca <file>", "PEM of the authorities that signed its certificate, if not public ones")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExample:\n  phylax sign-in-with add st-mary --label 'St. Mary Hospital' --issuer https://login.st-mary.example --client-id phylax --secret-file secret.txt",
    )
    .action(async (name: string, options: AddOptions) => {
      const secret = readText(options.secretFile);
      const authority = options.ca === undefined ? null : readText(options.ca);
      if (secret === null || (options.ca !== undefined && authority === null)) {
        const path = secret === null ? options.secretFile : options.ca;
        context.terminal.err(`${path} cannot be read, or is too long to be the right file.\n`);
        done(exitCodes.usage);
        return;
      }
      const body = {
        provider: name,
        label: options.label,
        issuer: options.issuer,
        clientId: options.clientId,
        secret,
        signedWith: options.alg,
        assurance: assuranceOf(options),
        sso: options.sso === true,
        authority,
      };
      const json = options.json === true;
      done(await ask(context, { action: "add", body, json, say: addedWords }));
    });
}

interface LinkOptions {
  readonly account: string;
  readonly provider?: string;
  readonly json?: boolean;
}

function linkCommands(group: Command, context: CommandContext, done: Done): void {
  group
    .command("link")
    .description("Say which account here a person of another house is")
    .argument("<who>", "the code that she was shown; with --provider, her subject (sub) there")
    .requiredOption("--account <id>", "your own id of her account, or the account's id here")
    .option("--provider <name>", "where she has that subject")
    .option("--json", "print one JSON object")
    .action(async (who: string, { account, provider, json }: LinkOptions) => {
      const body =
        provider === undefined ? { reference: who, account } : { sub: who, provider, account };
      const say = (): string => "Linked. She can sign in there from now on.\n";
      done(await ask(context, { action: "link", body, json: json === true, say }));
    });
  group
    .command("unlink")
    .description("Take a link back and end the account's sessions")
    .argument("<provider>", "your short name for the provider")
    .requiredOption("--account <id>", "your own id of the account, or its id here")
    .option("--json", "print one JSON object")
    .action(async (provider: string, { account, json }: LinkOptions) => {
      const body = { provider, account };
      const say = (): string => "The link is gone, and she is signed out.\n";
      done(await ask(context, { action: "unlink", body, json: json === true, say }));
    });
}

export const signInWithCommand: Register = (program, context, done) => {
  const group = program
    .command("sign-in-with")
    .description("Staff sign-in at the OpenID Provider of another house");
  addCommand(group, context, done);
  group
    .command("list")
    .description("List the providers, who waits for your approval, and who is linked")
    .option("--json", "print one JSON object")
    .action(async ({ json }: { json?: boolean }) => {
      done(await ask(context, { action: "list", body: {}, json: json === true, say: listWords }));
    });
  group
    .command("remove")
    .description("End sign-in at a provider; its links go with it")
    .argument("<name>", "your short name for it")
    .option("--json", "print one JSON object")
    .action(async (provider: string, { json }: { json?: boolean }) => {
      const say = (): string => "Removed, with its links; whoever was linked is signed out.\n";
      const body = { provider };
      done(await ask(context, { action: "remove", body, json: json === true, say }));
    });
  linkCommands(group, context, done);
};
