import { openHome } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import type { Register } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";
import type { NoticeKind } from "#identity/recovery/notice-store.ts";

const sentences: Readonly<Record<NoticeKind, string>> = {
  "passkey-added": "A passkey was added to your account.",
  "passkey-removed": "A passkey was removed from your account.",
  "device-lost": "A device of yours was told to be lost. It is signed out and can sign in no more.",
  "recovery-codes-made": "New recovery codes were made for your account. Old ones do not work now.",
  "recovery-code-used": "A recovery code was used to sign in to your account.",
  "recovery-begun":
    "Somebody asked to get back into your account. If it was not you, sign in and stop it now.",
  "recovery-cancelled": "A request to get back into your account was stopped.",
  "recovery-finished":
    "Your account has a new passkey. All older ways to sign in to it have ended.",
};

const textAt = (value: Readonly<Record<string, unknown>>, name: string): string => {
  const text = value[name];
  return typeof text === "string" ? text : "";
};

function letterOf(item: Readonly<Record<string, unknown>>): string {
  const kind = textAt(item, "kind");
  const sentence = Object.entries(sentences).find(([known]) => known === kind)?.[1] ?? kind;
  const lines = [
    textAt(item, "displayName"),
    textAt(item, "at").slice(0, 10),
    "",
    sentence,
    "If you did not do this, call us.",
  ];
  return `${lines.join("\n")}\n`;
}

/** Each notice is handed over once; whoever sends the letters keeps what this prints until they went. */
export const lettersCommand: Register = (program, context, done) => {
  program
    .command("letters")
    .description("Print the letters that tell people of changes in how they sign in; each once")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExamples:\n  phylax letters > letters.txt\n  phylax letters --json")
    .action(async (options: { json?: boolean }) => {
      const { terminal } = context;
      const home = openHome(context.environment.homePath);
      if (!home.ok) {
        sayProblem(terminal, home.problem);
        done(exitCodes.config);
        return;
      }
      const operator = await openOperator(home.value);
      const answer = await operator.postJson("identity", "/internal/letters", {});
      await operator.close();
      if (!answer.ok) {
        sayProblem(terminal, answer.problem);
        done(exitCodes.unavailable);
        return;
      }
      const { value } = answer;
      const items = isRecord(value) && Array.isArray(value["items"]) ? value["items"] : [];
      if (options.json === true) terminal.out(`${JSON.stringify(value)}\n`);
      else if (items.length === 0) terminal.out("There is no letter to send.\n");
      // A form feed parts the letters, so that each is printed on a page of its own.
      else terminal.out(items.filter(isRecord).map(letterOf).join("\f"));
    });
};
