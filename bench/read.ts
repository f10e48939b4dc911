import { readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { openHome } from "#assembly/home.ts";
import { clientFactHeaders } from "#core/client-facts.ts";
import { mutualTls, roleName, type TlsIdentity } from "#core/net.ts";
import { openVisitor, signIn, type SignedIn } from "../test/support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import type { Figure } from "./figure.ts";
import { getRequest, load, openSocket, type Reached } from "./load.ts";

const clients = 16;
const seconds = 5;
/** A proof lives for a minute; they are made before the clock starts, as each device makes its own. */
const proofsAhead = 40_000;

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

/** Asks the records process itself, as the gateway does: mutual TLS, its facts, the caller's token and a fresh proof. */
async function readDirectly(
  phylax: TestDeployment,
  { signedIn, path }: Reader,
): Promise<{ readonly reads: Reached; readonly bare: Reached }> {
  const home = openHome(phylax.home);
  if (!home.ok) throw new Error(home.problem.code);
  const certificate = readFileSync(home.value.file("certificates", "gateway.json"), "utf8");
  const identity = JSON.parse(certificate) as TlsIdentity;
  const place = { path: home.value.socket("records"), servername: roleName("records") };
  const open = (): Promise<TLSSocket> => openSocket({ ...mutualTls(identity), ...place });
  const { token, key } = signedIn;
  const authorization = `DPoP ${token}`;
  const request = (): Buffer =>
    getRequest("localhost", path, {
      ...facts,
      authorization,
      dpop: key.proof("GET", phylax.origin + path, token),
    });
  const requests = Array.from({ length: proofsAhead }, request);
  const reads = await load({ clients, seconds, open, next: () => requests.pop() ?? request() });
  const log = getRequest("localhost", "/api/records/log", facts);
  return { reads, bare: await load({ clients, seconds, open, next: () => log }) };
}

/** One sealed resource, read through the door of the records process alone, each reading durable in the log. */
export async function run(): Promise<readonly Figure[]> {
  const phylax = await startDeployment();
  try {
    const { reads, bare } = await readDirectly(phylax, await patientReader(phylax));
    return [
      {
        name: "audited read in the records process, 16 clients",
        value: reads.perSecond,
        unit: "reads/s",
        floor: 4_000,
        ratio: reads.perSecond / bare.perSecond,
        against: "one row read without door, seal and log, same listener",
      },
      { name: "p50 of it", value: reads.p50Ms, unit: "ms" },
      { name: "p99 of it", value: reads.p99Ms, unit: "ms", ceiling: 25 },
    ];
  } finally {
    await phylax.remove();
  }
}
