import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Resource } from "@medplum/fhirtypes";
import type { AccessLogLine, AccessRequestLine, Me, OutsideOffer } from "../../src/core/wire.ts";
import { build } from "vite";
import { testAuthority, testGateway } from "../../src/gateway/testing.ts";
import { demoPersonae } from "../../src/town/personae.ts";
import { createTown } from "../../src/town/town.ts";
import { routes } from "../../src/gateway/routes.ts";
import { madeUpAccount, type FixtureAccount } from "./account.ts";
import { fixtureIdentity } from "./identity.ts";
import { fixtureRecords, type Fault } from "./records.ts";

/** A made-up clinic behind the real gateway: what the tests change, the next request meets. */
export interface Clinic {
  readonly origin: string;
  me: Me;
  resources: readonly Resource[];
  accessLog: readonly AccessLogLine[];
  requests: readonly AccessRequestLine[];
  checkpoint: string;
  account: FixtureAccount;
  /** The last answer of the consent page. */
  consented: unknown;
  readonly people: Record<Persona, Me>;
  isSignedIn: boolean;
  isPasswordRight: boolean;
  accessToken: string;
  asked: { readonly state: string };
  /** Other houses at which staff can sign in, and whether somebody comes back from one. */
  outside: readonly OutsideOffer[];
  isBack: boolean;
  /** Whether the clinician has the chart open in an emergency. */
  isEmergency: boolean;
  /** What a path answers instead of what it should. */
  readonly faults: Map<string, Fault>;
}

export interface OpenClinic extends Clinic {
  /** SHA-256 of the public key of the clinic's certificate, for a browser to trust. */
  readonly spki: string;
}

export const personae = ["patient", "clinician", "officer", "newcomer", "administrator"] as const;
export type Persona = (typeof personae)[number];

const town = createTown({ seed: 7, patients: 12, asOf: "2025-11-20" });

/** Builds the portal as it stands into a folder of the test's own, so that no stale build is tested. */
async function buildPortal(t: TestContext): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), "phylax-portal-"));
  t.after(() => rmSync(outDir, { recursive: true }));
  const configFile = fileURLToPath(new URL("../vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
  return outDir;
}

/** Serves the portal through the gateway as it is in the product. */
export async function openClinic(t: TestContext): Promise<OpenClinic> {
  const portalDirectory = await buildPortal(t);
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const people = peopleOf();
  const clinic: Clinic = {
    origin,
    me: people.patient,
    resources: [...town.organisation(), ...[...town.patients()].flat()],
    accessLog: madeUpLog(),
    requests: madeUpRequests(people.patient.patients[0] ?? ""),
    checkpoint: madeUpCheckpoint(),
    account: madeUpAccount(),
    consented: null,
    people,
    isSignedIn: false,
    isPasswordRight: false,
    accessToken: randomBytes(16).toString("hex"),
    asked: { state: "" },
    outside: [],
    isBack: false,
    isEmergency: false,
    faults: new Map(),
  };
  const issue = await testAuthority();
  const tls = await issue("localhost");
  await testGateway(t, {
    identity: fixtureIdentity(clinic),
    records: fixtureRecords(clinic),
    deps: {
      tls,
      listen: { host: "127.0.0.1", port },
      publicOrigin: origin,
      routes,
      portalDirectory,
      trustedTypes: true,
    },
  });
  const key = new X509Certificate(tls.cert).publicKey.export({ type: "spki", format: "der" });
  const spki = createHash("sha256").update(key).digest("base64");
  return Object.assign(clinic, { spki });
}

function peopleOf(): Record<Persona, Me> {
  const demo = demoPersonae(town);
  const session = { sessionEndsAt: new Date(Date.now() + 8 * 3_600_000).toISOString() };
  const person = (me: Partial<Me> & Pick<Me, "displayName" | "roles">): Me => ({
    account: "11111111-1111-4111-8111-111111111111",
    patients: [],
    actsFor: [],
    practitioner: null,
    language: null,
    idleMs: 30 * 60_000,
    ...session,
    ...me,
  });
  const { patient, child, clinician, privacyOfficer } = demo;
  return {
    patient: person({
      displayName: patient.displayName,
      roles: ["patient", "proxy"],
      patients: [patient.patientId, child.patientId],
    }),
    clinician: person({
      displayName: clinician.displayName,
      roles: ["clinician"],
      practitioner: clinician.practitionerId,
    }),
    officer: person({ displayName: privacyOfficer.displayName, roles: ["privacy-officer"] }),
    administrator: person({ displayName: "Ada Front", roles: ["administrator"] }),
    newcomer: person({ displayName: "Noor New", roles: ["patient"] }),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" ? (address?.port ?? 0) : 0;
      server.close(() => resolve(port));
    });
  });
}

const minuteMs = 60_000;

function madeUpLog(): readonly AccessLogLine[] {
  const line = (
    index: number,
    minutesAgo: number,
    more: Partial<AccessLogLine>,
  ): AccessLogLine => ({
    time: new Date(Date.now() - minutesAgo * minuteMs).toISOString(),
    who: "You",
    role: "patient",
    action: "search",
    decision: "permit",
    resourceType: "Observation",
    categories: ["Observation", "Observation:laboratory"],
    count: 12,
    purpose: "PATRQT",
    origin: "records.phylax.test",
    index,
    ...more,
  });
  const doctor = { who: "Dr. Maren Whitlock", role: "clinician", purpose: "TREAT" } as const;
  const older = Array.from({ length: 24 }, (_, day) =>
    line(900 - day, (day + 4) * 1_440, {
      ...(day % 3 === 0 ? doctor : {}),
      categories: [["Condition"], ["Encounter"], ["MedicationRequest"]][day % 3] ?? [],
    }),
  );
  return [
    line(1005, 4, { action: "access-log", resourceType: null, categories: ["AuditEvent"] }),
    line(1004, 5, {}),
    line(1003, 6, { categories: ["MedicationRequest"], resourceType: "MedicationRequest" }),
    line(1002, 1_500, { ...doctor, categories: ["Condition", "Observation", "hiv"] }),
    line(1001, 1_504, { ...doctor, action: "read", categories: ["Patient"], count: 1 }),
    line(1000, 1_640, {
      who: "Dr. Ioan Petrescu",
      role: "clinician",
      purpose: "TREAT",
      decision: "deny",
      categories: [],
      count: 0,
    }),
    line(999, 4_000, {
      who: "Phylax import",
      role: "operator",
      action: "import",
      purpose: "SYSADMIN",
      categories: ["Condition", "Encounter", "Immunization", "Observation", "Patient"],
      count: 240,
    }),
    ...older,
  ];
}

function madeUpCheckpoint(): string {
  const root = createHash("sha256").update("a clinic that never was").digest("base64");
  const signature = randomBytes(68).toString("base64");
  return `records.phylax.test\n1006\n${root}\n\n— records.phylax.test ${signature}\n`;
}

const dayMs = 86_400_000;

/** Requests in each state, one that is due soon and one that is late. */
function madeUpRequests(patient: string): readonly AccessRequestLine[] {
  const day = (fromNow: number): string =>
    new Date(Date.now() + fromNow * dayMs).toISOString().slice(0, 10);
  const deed = (daysAgo: number, role: "patient" | "privacy-officer") => ({
    at: new Date(Date.now() - daysAgo * dayMs).toISOString(),
    role,
    byYou: false,
  });
  const line = (
    id: string,
    daysAgo: number,
    words: Partial<NonNullable<AccessRequestLine["request"]>>,
  ): AccessRequestLine => ({
    id,
    version: 1,
    askedOn: day(-daysAgo),
    dueOn: day(30 - daysAgo),
    isOpen: words.now === undefined,
    request: {
      patient,
      name: "Ana Ruiz",
      birthDate: "1980-02-03",
      asked: deed(daysAgo, "patient"),
      wants: "The whole chart from before 2010, with the letters",
      form: "paper",
      sendTo: "12 Elm Street, Ames",
      extension: null,
      now: { state: "open" },
      ...words,
    },
  });
  const officer = deed(2, "privacy-officer");
  const extension = {
    ...officer,
    reason: "The old charts are kept in another building.",
    until: day(20),
  };
  return [
    line("late", 34, {}),
    line("soon", 26, { form: "fhir", sendTo: null }),
    { ...line("extended", 40, { extension, name: null }), dueOn: day(20) },
    line("given", 50, { now: { ...officer, state: "fulfilled", how: "Sent by mail." } }),
    line("denied", 60, {
      now: {
        ...officer,
        state: "denied",
        inPart: true,
        reason: "One letter names another person, whom it would harm.",
        grounds: [{ ground: "harms-another", cite: "45 CFR 164.524(a)(3)(ii)", reviewable: true }],
      },
    }),
    line("back", 70, { now: { ...officer, state: "withdrawn" } }),
    { ...line("gone", 80, {}), isOpen: false, request: null },
  ];
}
