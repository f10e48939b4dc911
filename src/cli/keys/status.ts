import { keysStatus, type KeysStatus } from "#assembly/key-life/status.ts";
import type { RegisterKeys } from "#cli/keys/keys.ts";
import { sayRefusal, withLife } from "#cli/keys/work.ts";
import { exitCodes, paint, type Terminal } from "#cli/terminal.ts";

export const statusCommand: RegisterKeys = (keys, context, done) => {
  keys
    .command("status")
    .description(
      "Say which KMS holds the root key, what each KEK epoch wraps, and what is unfinished",
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExit codes: 0 all keys open, 1 some are lost or work was cut off, 69 not running.\n\nExamples:\n  phylax keys status\n  phylax keys status --json | jq .epochs",
    )
    .action(async (options: { json?: boolean }) => {
      const { terminal } = context;
      const found = await withLife(context, {}, (open) => keysStatus(open.life));
      if (!found.ok) {
        done(sayRefusal(terminal, found.problem));
        return;
      }
      if (options.json === true) terminal.out(`${JSON.stringify(found.value)}\n`);
      else sayStatus(found.value, terminal);
      const { lost, cutOff } = found.value;
      done(lost === 0 && cutOff.length === 0 ? exitCodes.done : exitCodes.found);
    });
};

function sayStatus(status: KeysStatus, terminal: Terminal): void {
  const { kms, epochs, kekEpoch, dataKeys, compartments, shredded } = status;
  terminal.out(
    `Root key in ${kms}. ${dataKeys} data keys of ${compartments} compartments; ${shredded} patients shredded.\n`,
  );
  for (const { epoch, createdAt, keys } of epochs) {
    const newest = epoch === kekEpoch ? paint(terminal, "green", "  newest") : "";
    terminal.out(`  KEK epoch ${epoch}  since ${createdAt}  wraps ${keys}${newest}\n`);
  }
  const warn = (text: string): void => terminal.out(`${paint(terminal, "yellow", "!")} ${text}\n`);
  if (status.workRunning) warn("A command is changing keys at this moment.");
  else if (status.underOlderEpochs > 0)
    warn(
      `${status.underOlderEpochs} keys are under older epochs; phylax keys rotate-kek moves them.`,
    );
  if (status.lost > 0)
    warn(`${status.lost} keys are under an epoch that the ring has not: they do not open.`);
  for (const work of status.cutOff) warn(`${work} was cut off; the same command again ends it.`);
}
