import { openHome } from "#assembly/home.ts";
import { makeAccount, type NewAccount } from "#assembly/accounts.ts";
import { openOperator } from "#assembly/operator.ts";
import { askStatus } from "#assembly/only-one.ts";
import type { Register } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";
import { problem } from "#core/problem.ts";
import { peoplesRoles, type PersonRole } from "#core/policy-request.ts";

export interface InviteOptions {
  readonly name: string;
  readonly role: string;
  readonly patient?: string;
  readonly practitioner?: string;
  readonly department?: readonly string[];
  readonly child?: string;
  readonly childBorn?: string;
  readonly json?: boolean;
}

function parseRole(text: string): PersonRole | null {
  return peoplesRoles.find((role) => role === text) ?? null;
}

/** The account that the options ask for; a text says what is wrong with them. */
export function wantedAccount(externalId: string, options: InviteOptions): NewAccount | string {
  const { name: displayName, patient, practitioner, department, child, childBorn } = options;
  const role = parseRole(options.role);
  if (role === null)
    return `There is no role "${options.role}". Choose one of: ${peoplesRoles.join(", ")}`;
  if ((child === undefined) !== (childBorn === undefined))
    return "--child and --child-born go together: access ends when the child is of age.";
  return {
    externalId,
    displayName,
    roles: [role],
    ...(patient === undefined ? {} : { patients: [patient] }),
    ...(department === undefined ? {} : { departments: department }),
    ...(child === undefined || childBorn === undefined
      ? {}
      : { actsFor: [{ patient: child, basis: "parent", birthDate: childBorn }] }),
    ...(practitioner === undefined ? {} : { practitioner }),
  };
}

export const inviteCommand: Register = (program, context, done) => {
  program
    .command("invite")
    .description("Make an account and print its one-time link for enrolling a passkey")
    .argument(
      "<id>",
      "your own id of the person; the same id gives the same account and a fresh link",
    )
    .requiredOption("--name <name>", "name shown to the person")
    .requiredOption("--role <role>", peoplesRoles.join(" | "))
    .option("--patient <id>", "FHIR id of the person's own Patient resource")
    .option("--practitioner <id>", "FHIR id of the person's Practitioner resource")
    .option("--department <name...>", "where the person works")
    .option("--child <id>", "FHIR id of the Patient whose parent the person is")
    .option("--child-born <date>", "the child's birth date, YYYY-MM-DD; access ends with it at 18")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  phylax invite chart-4711 --name 'Ana Ortiz' --role patient --patient 1f0c…\n  phylax invite staff-12 --name 'Dr. Lee' --role clinician --practitioner 77ab… --department Cardiology --json\n  phylax invite parent-7 --name 'Lu Chen' --role proxy --child 3c1d… --child-born 2017-01-20",
    )
    .action(async (id: string, options: InviteOptions) => {
      const { terminal } = context;
      const wanted = wantedAccount(id, options);
      if (typeof wanted === "string") {
        terminal.err(`${wanted}\n`);
        done(exitCodes.usage);
        return;
      }
      const home = openHome(context.environment.homePath);
      const status = home.ok ? await askStatus(home.value) : null;
      if (!home.ok || status === null) {
        sayProblem(
          terminal,
          home.ok
            ? problem("upstream-unavailable", {
                detail: "Phylax does not run on this home. Start it with: npm start",
              })
            : home.problem,
        );
        done(exitCodes.unavailable);
        return;
      }
      const operator = await openOperator(home.value);
      const made = await makeAccount(operator, wanted);
      await operator.close();
      if (!made.ok) {
        sayProblem(terminal, made.problem);
        const isDown = made.problem.code === "upstream-unavailable";
        done(isDown ? exitCodes.unavailable : exitCodes.refused);
        return;
      }
      const link = `${status.publicOrigin}${made.value.enrolPath}`;
      terminal.out(
        options.json === true
          ? `${JSON.stringify({ account: made.value.account, link })}\n`
          : `One-time link for ${options.name}:\n  ${link}\n`,
      );
    });
};
