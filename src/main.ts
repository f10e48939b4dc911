import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "#assembly/environment.ts";
import { runCommand } from "#cli/program.ts";

// The only reader of the environment: everything below is handed what it needs.
const isTerminal = process.stdout.isTTY;
const environment = readEnvironment(process.env, process.cwd(), isTerminal);

const code = await runCommand(process.argv.slice(2), {
  environment,
  variables: process.env,
  main: fileURLToPath(import.meta.url),
  userHome: homedir(),
  terminal: {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTerminal,
    colour: environment.colour,
  },
});
// A pool that a refused start left open would keep the process waiting for nothing.
process.exit(code);
