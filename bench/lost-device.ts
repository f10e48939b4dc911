import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Agent, request, type RequestOptions } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../test/support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import { deviceOf, enrolPasskey, signInByPasskey } from "../test/support/passkey.ts";
import type { Figure } from "./figure.ts";
import { openedHome } from "./identity/home.ts";
import { startGatewayBefore, startSecondRecords, type Node } from "./lost-device/nodes.ts";
import { runTidily } from "./support.ts";

const rounds = 40;
/** How often each gateway is asked whether it refuses. */
const askEveryMs = 10;
const documents = 20;
const documentBytes = 1024 * 1024;

interface Door extends Node {
  readonly agent: Agent;
  readonly origin: string;
}

function optionsFor(node: Door, { token, key }: SignedIn, path: string): RequestOptions {
  const { host, hostname } = new URL(node.origin);
  return {
    host: "127.0.0.1",
    port: node.port,
    servername: hostname,
    agent: node.agent,
    path,
    headers: {
      host,
      authorization: `DPoP ${token}`,
      dpop: key.proof("GET", `${node.origin}${path}`, token),
    },
  };
}

/** The status of one small read; 0 when it was cut as well. */
function read(node: Door, who: SignedIn, path: string): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(optionsFor(node, who, path), (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0));
      answer.on("error", () => resolve(0));
    });
    sent.on("error", () => resolve(0));
    sent.end();
  });
}

/** Begins a long answer, reads a little of it and no more; resolves when it has begun. */
function stream(node: Door, who: SignedIn, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(optionsFor(node, who, path), (answer) => {
      answer.on("error", () => undefined);
      answer.once("data", () => {
        answer.pause();
        resolve(answer);
      });
      if (answer.statusCode !== 200) reject(new Error(`${answer.statusCode}`));
    });
    sent.on("error", () => undefined);
    sent.end();
  });
}

/** When the gateway broke off the answer of this round. */
async function untilBroken({ brokenAt }: Node, round: number): Promise<number> {
  for (;;) {
    const at = brokenAt[round];
    if (at !== undefined) return at;
    await pause(1);
  }
}

async function untilRefused(node: Door, who: SignedIn, path: string): Promise<number> {
  while ((await read(node, who, path)) !== 401) await pause(askEveryMs);
  return performance.now();
}

/** Gives the patient documents, so that her record takes long to send. */
async function fillRecord(doctor: SignedIn, patient: string): Promise<void> {
  for (let n = 0; n < documents; n += 1) {
    const data = randomBytes(documentBytes).toString("base64");
    const content = [{ attachment: { contentType: "application/pdf", data } }];
    const subject = { reference: `Patient/${patient}` };
    const body = { resourceType: "DocumentReference", status: "current", subject, content };
    const made = await doctor.ask("POST", "/fhir/DocumentReference", JSON.stringify(body));
    if (made.status !== 201) throw new Error(`${made.status} ${made.text}`);
  }
}

async function patientOf(person: SignedIn): Promise<string> {
  const me = JSON.parse((await person.ask("GET", "/api/identity/me")).text) as {
    readonly patients: readonly string[];
  };
  return me.patients[0] ?? "";
}

interface Times {
  readonly refused: number[];
  readonly cut: number[];
}

async function measure(phylax: TestDeployment, nodes: readonly Door[]): Promise<Times> {
  const visitors: Visitor[] = [];
  const visit = (): Visitor => {
    const visitor = openVisitor(phylax.origin, phylax.authority());
    visitors.push(visitor);
    return visitor;
  };
  const times: Times = { refused: [], cut: [] };
  try {
    const clinician = printedSignIn(phylax.output(), "clinician");
    const doctor = await signIn(visit(), clinician, "openid fhirUser user/*.cruds");
    const { link } = printedSignIn(phylax.output(), "patient");
    const passkey = await enrolPasskey(visit(), link);
    const patient = await patientOf(await signInByPasskey(visit(), passkey));
    await fillRecord(doctor, patient);
    const small = `/fhir/Patient/${patient}`;
    for (let round = 0; round < rounds; round += 1) {
      const phone = await signInByPasskey(visit(), passkey);
      const laptop = await signInByPasskey(visit(), passkey);
      const long = `${small}/$everything`;
      const streams = await Promise.all(nodes.map((node) => stream(node, phone, long)));
      const path = `/api/identity/account/devices/${deviceOf(phone)}/lost`;
      const began = performance.now();
      const told = await laptop.ask("POST", path);
      if (told.status !== 200) throw new Error(`${told.status} ${told.text}`);
      const since = (at: number): number => at - began;
      const refused = await Promise.all(nodes.map((node) => untilRefused(node, phone, small)));
      times.refused.push(...refused.map(since));
      const broken = await Promise.all(nodes.map((node) => untilBroken(node, round)));
      times.cut.push(...broken.map(since));
      for (const answer of streams) answer.destroy();
    }
    return times;
  } finally {
    await Promise.all(visitors.map((visitor) => visitor.close()));
  }
}

function share(times: readonly number[], of: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? Number.NaN;
}

/** From the request that tells a device to be lost until two nodes refuse it and cut its answers. */
export async function run(): Promise<readonly Figure[]> {
  const phylax = await startDeployment();
  try {
    return await runTidily(async (tidy) => {
      const { origin } = phylax;
      const opened = openedHome(phylax.home);
      const first = { kind: "unix", path: opened.home.socket("records") } as const;
      const second = await startSecondRecords(opened, origin, tidy);
      const doors: Door[] = [];
      for (const records of [first, second]) {
        const node = await startGatewayBefore(records, opened, origin, tidy);
        const agent = new Agent({ ca: phylax.authority(), keepAlive: true });
        tidy(() => agent.destroy());
        doors.push({ ...node, agent, origin });
      }
      const { refused, cut } = await measure(phylax, doors);
      const figure = (name: string, value: number, ceiling?: number): Figure => ({
        name,
        value,
        unit: "ms",
        ...(ceiling === undefined ? {} : { ceiling }),
      });
      return [
        figure("lost → refused, two gateways and records processes, p50", share(refused, 0.5)),
        figure("p99 of it", share(refused, 0.99), 1_000),
        figure("lost → answers under way cut on both, p50", share(cut, 0.5)),
        figure("p99 of it", share(cut, 0.99), 1_000),
      ];
    });
  } finally {
    await phylax.remove();
  }
}
