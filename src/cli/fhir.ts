import { installPackageCommand } from "#cli/fhir/install-package.ts";
import type { Register } from "#cli/program.ts";

export const fhirCommand: Register = (program, context, done) => {
  const fhir = program.command("fhir").description("What the FHIR API knows beyond R4 itself");
  installPackageCommand(fhir, context, done);
};
