import type { Command } from "commander";
import { askIdentity, openedHome, textAt, type Fields } from "#cli/ask.ts";
import { peopleWords, personWords, sealedWords } from "#cli/people/say.ts";
import type { CommandContext, Register } from "#cli/program.ts";
import { exitCodes, plain } from "#cli/terminal.ts";
import { peoplesRoles } from "#core/policy-request.ts";

type Done = (code: number) => void;

interface Asking {
  readonly action: string;
  readonly body: Fields;
  readonly json: boolean;
  readonly say: (answer: Fields) => string;
}

/** Asks the running deployment; says what it answered; gives the exit code. */
async function ask(context: CommandContext, asking: Asking): Promise<number> {
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const path = `/internal/people/${asking.action}`;
  const answer = await askIdentity(context, opened, path, asking.body);
  if (typeof answer === "number") return answer;
  context.terminal.out(asking.json ? `${JSON.stringify(answer)}\n` : asking.say(answer));
  return exitCodes.done;
}

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly after?: string;
}

const whose = "your own id of the person, or the account's id here";

const told =
  (what: string) =>
  (person: Fields): string =>
    `${plain(textAt(person, "displayName"))} ${what}\n`;

function lookCommands(people: Command, context: CommandContext, done: Done): void {
  people
    .command("list")
    .description("List people, newest first, or find them by name")
    .argument("[name]", "how the words of the name begin, each by 3 letters or more")
    .option("--after <id>", "go on after this account")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExamples:\n  phylax people list\n  phylax people list 'ana orti'")
    .action(async (name: string | undefined, { after, json }: Options) => {
      const body = { ...(name === undefined ? {} : { name }), after: after ?? null };
      done(await ask(context, { action: "list", body, json: json === true, say: peopleWords }));
    });
  people
    .command("show")
    .description("Show one person: roles, state, for whom she acts and who acts for her")
    .argument("<person>", whose)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  phylax people show staff-12 --json")
    .action(async (person: string, { json }: Options) => {
      const asking = { action: "show", body: { person }, say: personWords };
      done(await ask(context, { ...asking, json: json === true }));
    });
}

function standingCommands(people: Command, context: CommandContext, done: Done): void {
  for (const [name, suspended, description, what] of [
    ["suspend", true, "Sign somebody out everywhere and let her in no more", "is suspended."],
    ["restore", false, "Let somebody in again who was suspended", "may sign in again."],
  ] as const)
    people
      .command(name)
      .description(description)
      .argument("<person>", whose)
      .option("--json", "print one JSON object")
      .addHelpText("after", `\nExample:\n  phylax people ${name} staff-12`)
      .action(async (person: string, { json }: Options) => {
        const body = { person, suspended };
        done(await ask(context, { action: "change", body, json: json === true, say: told(what) }));
      });
}

function rightsCommands(people: Command, context: CommandContext, done: Done): void {
  people
    .command("roles")
    .description("Give somebody these roles instead of those she has; she signs in anew")
    .argument("<person>", whose)
    .argument("<role...>", peoplesRoles.join(" | "))
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  phylax people roles staff-12 clinician administrator")
    .action(async (person: string, roles: readonly string[], { json }: Options) => {
      const asking = { action: "change", body: { person, roles }, say: personWords };
      done(await ask(context, { ...asking, json: json === true }));
    });
  people
    .command("departments")
    .description("Say where somebody works, instead of what was said before; nothing for nowhere")
    .argument("<person>", whose)
    .argument("[department...]", "names of departments")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  phylax people departments staff-12 Cardiology 'Ward 3'")
    .action(async (person: string, departments: readonly string[], { json }: Options) => {
      const asking = { action: "change", body: { person, departments }, say: personWords };
      done(await ask(context, { ...asking, json: json === true }));
    });
}

interface Ending {
  readonly name: string;
  readonly description: string;
  /** What cannot be taken back; said where --yes is missing. */
  readonly warning: string;
  readonly say: Asking["say"];
}

const endings: readonly Ending[] = [
  {
    name: "leave",
    description: "Close the account of somebody who leaves, with all that she could get in by",
    warning:
      "This closes the account for good: sessions, passkeys, links, grants and her own apps end. What she wrote and the log stay.",
    say: () => "Gone: the account is closed, and nothing of it opens anything any more.\n",
  },
  {
    name: "seal",
    description: "Put a break-glass account back into an envelope and print its new code",
    warning:
      "This ends whatever the account is signed in to, and its old code. The new code is shown once.",
    say: sealedWords,
  },
];

function endCommands(people: Command, context: CommandContext, done: Done): void {
  for (const { name, description, warning, say } of endings)
    people
      .command(name)
      .description(description)
      .argument("<person>", whose)
      .option("--yes", "do it; without this nothing is done")
      .option("--json", "print one JSON object")
      .addHelpText("after", `\nExample:\n  phylax people ${name} staff-12 --yes`)
      .action(async (person: string, { json, yes }: Options) => {
        if (yes !== true) {
          context.terminal.err(`${warning}\nNothing was done. To do it, say --yes.\n`);
          done(exitCodes.usage);
          return;
        }
        done(await ask(context, { action: name, body: { person }, json: json === true, say }));
      });
}

export const peopleCommand: Register = (program, context, done) => {
  const people = program
    .command("people")
    .description("People's accounts: find, suspend, change, and part with those who leave");
  lookCommands(people, context, done);
  standingCommands(people, context, done);
  rightsCommands(people, context, done);
  endCommands(people, context, done);
};
