import { existsSync, writeFileSync } from "node:fs";
import type { PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { isRecord } from "#core/jws.ts";
import { BrokenInvariant, ok, type Result } from "#core/result.ts";
import { demoPersonae } from "#town/personae.ts";
import { createTown, type Town } from "#town/town.ts";
import { makeAccount, type NewAccount, type NewGrant } from "#assembly/accounts.ts";
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
  readonly actsFor?: readonly NewGrant[];
  readonly practitioner?: string;
}

/** The birth date that the child's chart has; by it her mother's access ends. */
function birthDateOf(town: Town, id: string): string {
  for (const [patient] of town.patients()) {
    const chart: unknown = patient;
    if (!isRecord(chart) || chart["id"] !== id) continue;
    const { birthDate } = chart;
    if (typeof birthDate === "string") return birthDate;
  }
  throw new BrokenInvariant("the demo's child has no birth date");
}

function personaeOf(town: Town): readonly Persona[] {
  const people = demoPersonae(town);
  return [
    {
      role: "patient",
      login: "ana",
      totpSeed: "PHYLAXDEMOPATIENTAAAAAAAAAAAAAAA",
      displayName: people.patient.displayName,
      patients: [people.patient.patientId],
      actsFor: [
        {
          patient: people.child.patientId,
          basis: "parent",
          birthDate: birthDateOf(town, people.child.patientId),
        },
      ],
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

type Lines = readonly string[];

function linesOf(resources: Iterable<unknown>): Lines {
  return Array.from(resources, (resource, entry) =>
    JSON.stringify({ file: "town", entry, resource }),
  );
}

/** Whole patients only: batches overtake each other, and nothing may come before its Patient. */
function* batchesOf(town: Town): Generator<Lines> {
  let batch: string[] = [];
  for (const patient of town.patients()) {
    batch.push(...linesOf(patient));
    if (batch.length < batchLines) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function sendBatch(operator: Operator, batch: Lines): Promise<Result<null>> {
  const answer = await operator.post(
    "records",
    "/internal/import",
    "application/x-ndjson",
    batch.join("\n"),
  );
  if (!answer.ok) return answer;
  const refused = answer.value.split("\n").find((line) => line.includes('"refused"'));
  return refused === undefined
    ? ok(null)
    : refuse("unexpected", { detail: `the town was refused: ${refused}` });
}

/** Puts the town's people into the records, some batches at a time so that both cores work. */
async function settleTown(
  operator: Operator,
  town: Town,
  progress: DemoProgress,
): Promise<Result<number>> {
  const organisation = await sendBatch(operator, linesOf(town.organisation()));
  if (!organisation.ok) return organisation;
  const batches = batchesOf(town);
  let done = 0;
  const worker = async (): Promise<Result<null>> => {
    for (const batch of batches) {
      const sent = await sendBatch(operator, batch);
      if (!sent.ok) return sent;
      done += batch.length;
      progress.update(done, Math.max(done, estimatedResources));
    }
    return ok(null);
  };
  const worked = await Promise.all(Array.from({ length: batchesInFlight }, worker));
  return worked.find((result) => !result.ok) ?? ok(done);
}

/** For the progress bar only. */
const estimatedResources = 19_000;

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
      writeFileSync(settled, `${count.value}\n`, { mode: 0o600 });
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
    ...(persona.actsFor === undefined ? {} : { actsFor: persona.actsFor }),
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
