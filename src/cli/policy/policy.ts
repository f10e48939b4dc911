import { diff } from "#cli/policy/diff.ts";
import { explain } from "#cli/policy/explain.ts";
import { testPolicies } from "#cli/policy/test.ts";
import type { Register } from "#cli/program.ts";

export interface PolicyOptions {
  readonly policies?: string;
  readonly days?: string;
  readonly json?: boolean;
}

const folderOption = [
  "--policies <folder>",
  "*.cedar to take instead of your own (default: policies/ in the deployment's home)",
] as const;

export const policyCommand: Register = (program, context, done) => {
  const policy = program
    .command("policy")
    .description(
      "Try policies of your own before they are in force, and see why something was decided",
    );
  policy
    .command("test")
    .description("Say whether policies validate, and decide as the cases beside them expect")
    .option(...folderOption)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      '\nCases stand in cases.json beside the policies: a list of { "asked": …, "expect": "permit" | "step-up" | "deny" },\nwhere `asked` is a line as the log has it under `decided`.\n\nExit codes: 0 all is as expected, 1 something is not.\n\nExamples:\n  phylax policy test\n  phylax policy test --policies ./new-policies --json',
    )
    .action(async (options: PolicyOptions) => done(await testPolicies(context, options)));
  policy
    .command("explain")
    .description("Say which policies decide, and what they say")
    .argument("<what>", "an AuditEvent's id, such as e-1-42, or a line of `decided`")
    .option(...folderOption)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nAn entry is decided anew by the policies of now.\n\nExamples:\n  phylax policy explain e-1-42\n  phylax policy explain 'read PatientRecord Observation care-team hiv clinician 1 clinic TREAT'",
    )
    .action(async (what: string, options: PolicyOptions) =>
      done(await explain(context, what, options)),
    );
  policy
    .command("diff")
    .description("Put what was decided lately to other policies, and say what they would change")
    .requiredOption("--policies <folder>", "the *.cedar to try instead of your own")
    .option("--days <n>", "how far back, 1 to 90", "7")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nNothing is changed. The database must be running.\nExit codes: 0 they would change nothing, 1 they would change something.\n\nExamples:\n  phylax policy diff --policies ./new-policies\n  phylax policy diff --policies ./new-policies --days 30 --json",
    )
    .action(async (options: PolicyOptions) => done(await diff(context, options)));
};
