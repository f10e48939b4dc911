import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { openHome, readSettings, type Home } from "#assembly/home.ts";
import { brakeLimits } from "#records/brake/bounds.ts";
import { usualEmergencyRules } from "#records/break-glass/rules.ts";
import { openRecords } from "#assembly/records-role.ts";
import { clientFactHeaders } from "#core/client-facts.ts";
import { systemClock } from "#core/clock.ts";
import { mutualTls, roleName, type Handler, type TlsIdentity } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import { openVisitor, signIn, type SignedIn } from "../test/support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import type { Figure } from "./figure.ts";
import { getRequest, load, loadCalls, openSocket, settleSeconds, type Reached } from "./load.ts";

const clients = 16;
const seconds = 5;
/** A proof lives for a minute; they are made before the clock starts, as each device makes its own. */
const proofsAhead = 60_000;

const facts = {
  [clientFactHeaders.address]: "192.0.2.1",
  [clientFactHeaders.zone]: "internet",
  [clientFactHeaders.requestId]: "00000000-0000-4000-8000-000000000001",
};

interface Reader {
  readonly signedIn: SignedIn;
  readonly path: string;
}

async function patientReader(phylax: TestDeployment): Promise<Reader> {
  const visitor = openVisitor(phylax.origin, phylax.authority());
  const signedIn = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
  const me = JSON.parse((await signedIn.ask("GET", "/api/identity/me")).text) as {
    patients: readonly string[];
  };
  await visitor.close();
  return { signedIn, path: `/fhir/Patient/${me.patients[0] ?? ""}` };
}

/** Headers of a read with a fresh proof, beside the gateway's facts. */
function headersOf(phylax: TestDeployment, { signedIn: { token, key }, path }: Reader) {
  const url = phylax.origin + path;
  return { ...facts, authorization: `DPoP ${token}`, dpop: key.proof("GET", url, token) };
}

/** Asks the records process over its socket, as the gateway does: mutual TLS, its facts, the caller's token and proof. */
async function readOverSocket(
  phylax: TestDeployment,
  reader: Reader,
): Promise<{ readonly reads: Reached; readonly bare: Reached }> {
  const { home } = contextOf(phylax);
  const place = { path: home.socket("records"), servername: roleName("records") };
  const identity = identityOf(home, "gateway");
  const open = (): Promise<TLSSocket> => openSocket({ ...mutualTls(identity), ...place });
  const request = (): Buffer => getRequest("localhost", reader.path, headersOf(phylax, reader));
  const requests = Array.from({ length: proofsAhead }, request);
  const next = (): Buffer => requests.pop() ?? request();
  const reads = await load({ clients, seconds, warmUpSeconds: settleSeconds, open, next });
  const log = getRequest("localhost", "/api/records/log", facts);
  return { reads, bare: await load({ clients, seconds, open, next: () => log }) };
}

const identityOf = (home: Home, role: "gateway" | "records"): TlsIdentity =>
  JSON.parse(readFileSync(home.file("certificates", `${role}.json`), "utf8")) as TlsIdentity;

function contextOf(phylax: TestDeployment): Parameters<typeof openRecords>[0] {
  const home = openHome(phylax.home);
  const settings = home.ok ? readSettings(home.value) : null;
  if (!home.ok || settings === null) throw new Error("no home");
  return {
    home: home.value,
    settings,
    site: { publicOrigin: phylax.origin, host: "localhost", port: phylax.port },
    identity: identityOf(home.value, "records"),
    clock: systemClock,
    random: systemRandom,
    event: () => {},
    keysHealth: () => {},
    keysGraceMs: 120_000,
    emergency: usualEmergencyRules,
    brakeShare: brakeLimits.share.most,
  };
}

/** One request as Node hands it over, and its answer: 200 or it throws. */
function ask(handler: Handler, path: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = { method: "GET", url: path, headers, complete: true };
    let status = 0;
    const response = {
      writeHead: (code: number) => {
        status = code;
      },
      end: (body: string) => {
        if (status === 200) resolve();
        else reject(new Error(body));
      },
    };
    handler(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
}

/**
 * What the records process does for a read, without the socket: token, proof, session, policy,
 * look-up, opening, entry, durable log. This process takes the log over, as a new records process would.
 */
async function readWithin(phylax: TestDeployment, reader: Reader): Promise<Reached> {
  const records = await openRecords(contextOf(phylax), () => "gateway");
  if (!records.ok) throw new Error(records.problem.code);
  const headers = Array.from({ length: proofsAhead }, () => headersOf(phylax, reader));
  try {
    return await loadCalls({ clients, seconds, warmUpSeconds: settleSeconds }, () =>
      ask(records.value.handler, reader.path, headers.pop() ?? headersOf(phylax, reader)),
    );
  } finally {
    await records.value.close();
  }
}

/** One sealed resource, read through the door, each reading durable in the log. */
export async function run(): Promise<readonly Figure[]> {
  const phylax = await startDeployment({ variables: { PHYLAX_BRAKE_SHARE: "10000" } });
  try {
    const reader = await patientReader(phylax);
    const { reads, bare } = await readOverSocket(phylax, reader);
    const within = await readWithin(phylax, reader);
    const against = "one row read without door, seal and log over its mutual TLS socket";
    return [
      {
        name: "audited read in the records process, 16 clients",
        value: within.perSecond,
        unit: "reads/s",
        floor: 4_000,
        ratio: within.perSecond / bare.perSecond,
        against,
      },
      { name: "p50 of it", value: within.p50Ms, unit: "ms" },
      { name: "p99 of it", value: within.p99Ms, unit: "ms", ceiling: 25 },
      {
        name: "audited read over the records process's mutual TLS socket",
        value: reads.perSecond,
        unit: "reads/s",
        ratio: reads.perSecond / bare.perSecond,
        against,
      },
      { name: "p50 of it", value: reads.p50Ms, unit: "ms" },
      { name: "p99 of it", value: reads.p99Ms, unit: "ms", ceiling: 25 },
    ];
  } finally {
    await phylax.remove();
  }
}
