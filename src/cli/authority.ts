import { readFileSync } from "node:fs";
import { openHome, readSettings } from "#assembly/home.ts";
import type { Register } from "#cli/program.ts";
import { exitCodes } from "#cli/terminal.ts";

export const authorityCommand: Register = (program, context, done) => {
  program
    .command("ca")
    .description("Print the deployment's CA certificate (PEM), for browsers and curl to trust")
    .addHelpText(
      "after",
      "\nExamples:\n  phylax ca > phylax-ca.pem\n  curl --cacert phylax-ca.pem https://localhost:8443/fhir/metadata",
    )
    .action(() => {
      const home = openHome(context.environment.homePath);
      if (!home.ok || readSettings(home.value) === null) {
        context.terminal.err(
          `There is no deployment in ${context.environment.homePath}. Make one with: npm start\n`,
        );
        done(exitCodes.config);
        return;
      }
      context.terminal.out(readFileSync(home.value.file("authority", "authority.crt"), "utf8"));
    });
};
