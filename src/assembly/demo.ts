import { existsSync, writeFileSync } from "node:fs";
import type { PersonRole } from "#core/policy-request.ts";
import { problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { demoPersonae } from "#town/personae.ts";
import { createTown, type Town } from "#town/town.ts";
import { makeAccount, type NewAccount } from "#assembly/accounts.ts";
import type { Home } from "#assembly/home.ts";
import { openOperator, type Operator } from "#assembly/operator.ts";

/** The demo's town is the same on every machine and on every day. */
export const demoTown = { seed: 1, patients: 200, asOf: "2026-10-01" } as const;

/** Known to all: a demo listens on loopback alone and holds invented people. */
const demoPassword = "the owl keeps the demo";

export interface DemoSignIn {
  readonly role: string;
  readonly displayName: string;
  readonly link: string;
  readonly login: string;
  readonly password: string;
  readonly totpSeed: string;
}

interface Persona {
  readonly role: PersonRole;
  readonly login: string;
  readonly totpSeed: string;
  readonly displayName: string;
  readonly patients: readonly string[];
  readonly practitioner?: string;
}

function personaeOf(town: Town): readonly Persona[] {
  const people = demoPersonae(town);
  return [
    {
      role: "patient",
      login: "ana",
      totpSeed: "PHYLAXDEMOPATIENTAAAAAAAAAAAAAAA",
      displayName: people.patient.displayName,
      patients: [people.patient.patientId, people.child.patientId],
    },
    {
      role: "clinician",
      login: "doctor",
      totpSeed: "PHYLAXDEMOCLINICIANAAAAAAAAAAAAA",
      displayName: people.clinician.displayName,
      patients: [],
      practitioner: people.clinician.practitionerId,
    },
    {
      role: "privacy-officer",
      login: "privacy",
      totpSeed: "PHYLAXDEMOPRIVACYAAAAAAAAAAAAAAA",
      displayName: people.privacyOfficer.displayName,
      patients: [],
    },
    {
      role: "security-operator",
      login: "security",
      totpSeed: "PHYLAXDEMOSECURITYAAAAAAAAAAAAAA",
      displayName: people.securityOperator.displayName,
      patients: [],
    },
  ];
}

const batchLines = 500;
const batchesInFlight = 2;

function* linesOf(town: Town): Generator<string> {
  let entry = 0;
  for (const resource of town.organisation())
    yield JSON.stringify({ file: "town", entry: entry++, resource });
  for (let n = 0; n < demoTown.patients; n += 1) {
    for (const resource of town.patient(n))
      yield JSON.stringify({ file: "town", entry: entry++, resource });
  }
}

function* inBatches(lines: Iterable<string>): Generator<readonly string[]> {
  let batch: string[] = [];
  for (const line of lines) {
    batch.push(line);
    if (batch.length < batchLines) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Puts the town's people into the records, two batches at a time so that both cores work. */
async function settleTown(
  operator: Operator,
  town: Town,
  progress: DemoProgress,
): Promise<Result<number>> {
  const batches = inBatches(linesOf(town));
  let done = 0;
  let bad: Result<string> | null = null;
  const worker = async (): Promise<void> => {
    for (const batch of batches) {
      const answer = await operator.post(
        "records",
        "/internal/import",
        "application/x-ndjson",
        batch.join("\n"),
      );
      if (!answer.ok) bad = answer;
      else if (answer.value.includes('"refused"'))
        bad = failed(
          problem("unexpected", {
            detail: `the town was refused: ${answer.value.split("\n").find((line) => line.includes('"refused"')) ?? ""}`,
          }),
        );
      if (bad !== null) return;
      done += batch.length;
      progress.update(done, Math.max(done, estimatedResources));
    }
  };
  // The first batch alone: it holds the organisation that the others refer to.
  await Promise.all(Array.from({ length: batchesInFlight }, worker));
  return bad ?? ok(done);
}

/** For the progress bar only. */
const estimatedResources = 17_000;

export interface DemoProgress {
  update(done: number, total: number): void;
}

/** Settles the demo town at the first start, and gives each persona a fresh way to sign in. */
export async function openDemo(
  home: Home,
  publicOrigin: string,
  progress: DemoProgress,
): Promise<Result<readonly DemoSignIn[]>> {
  const operator = await openOperator(home);
  try {
    const town = createTown(demoTown);
    const settled = home.file("demo", "town-is-settled");
    if (!existsSync(settled)) {
      const count = await settleTown(operator, town, progress);
      if (!count.ok) return count;
      writeFileSync(settled, `${count.value}\n`);
    }
    const signIns: DemoSignIn[] = [];
    for (const persona of personaeOf(town)) {
      const made = await makeAccount(operator, accountOf(persona));
      if (!made.ok) return made;
      signIns.push({
        ...persona,
        link: `${publicOrigin}${made.value.enrolPath}`,
        password: demoPassword,
      });
    }
    return ok(signIns);
  } finally {
    await operator.close();
  }
}

function accountOf(persona: Persona): NewAccount {
  return {
    externalId: `demo-${persona.role}`,
    displayName: persona.displayName,
    roles: [persona.role],
    patients: persona.patients,
    ...(persona.practitioner === undefined ? {} : { practitioner: persona.practitioner }),
    login: persona.login,
    password: demoPassword,
    totpSeed: persona.totpSeed,
  };
}

/** A one-time link for the first administrator of an empty deployment. */
export async function inviteFirstAdministrator(
  home: Home,
  publicOrigin: string,
): Promise<Result<string>> {
  const operator = await openOperator(home);
  try {
    const made = await makeAccount(operator, {
      externalId: "first-administrator",
      displayName: "Administrator",
      roles: ["administrator"],
    });
    return made.ok ? ok(`${publicOrigin}${made.value.enrolPath}`) : made;
  } finally {
    await operator.close();
  }
}
