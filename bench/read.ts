import { readFileSync } from "node:fs";
import { openHome } from "#assembly/home.ts";
import { clientFactHeaders } from "#core/client-facts.ts";
import { connectPeer, type TlsIdentity } from "#core/net.ts";
import { openVisitor, signIn, type SignedIn } from "../test/support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../test/support/deployment.ts";
import type { Figure } from "./figure.ts";
import { load, type Reached } from "./load.ts";

const clients = 16;
const seconds = 5;
/** A proof lives for a minute; they are made before the clock starts, as each device makes its own. */
const proofsAhead = 60_000;

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
): Promise<{ readonly reads: Reached; readonly metadata: Reached }> {
  const home = openHome(phylax.home);
  if (!home.ok) throw new Error(home.problem.code);
  const certificate = readFileSync(home.value.file("certificates", "gateway.json"), "utf8");
  const pool = connectPeer({
    address: { kind: "unix", path: home.value.socket("records") },
    identity: JSON.parse(certificate) as TlsIdentity,
    role: "records",
    connections: clients,
  });
  const facts = {
    [clientFactHeaders.address]: "192.0.2.1",
    [clientFactHeaders.zone]: "internet",
    [clientFactHeaders.requestId]: "00000000-0000-4000-8000-000000000001",
  };
  const ask = async (target: string, headers: Record<string, string>): Promise<void> => {
    const { statusCode, body } = await pool.request({
      method: "GET",
      path: target,
      headers: { ...facts, ...headers },
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${statusCode} ${text}`);
  };
  const { token, key } = signedIn;
  const proof = (): string => key.proof("GET", phylax.origin + path, token);
  const proofs = Array.from({ length: proofsAhead }, proof);
  const authorization = `DPoP ${token}`;
  try {
    const reads = await load(clients, seconds, () =>
      ask(path, { authorization, dpop: proofs.pop() ?? proof() }),
    );
    return { reads, metadata: await load(clients, seconds, () => ask("/api/records/log", {})) };
  } finally {
    await pool.destroy();
  }
}

/** One sealed resource, read through the door of the records process alone, each reading durable in the log. */
export async function run(): Promise<readonly Figure[]> {
  const phylax = await startDeployment();
  try {
    const { reads, metadata } = await readDirectly(phylax, await patientReader(phylax));
    return [
      {
        name: "audited read in the records process, 16 clients",
        value: reads.perSecond,
        unit: "reads/s",
        floor: 4_000,
        ratio: reads.perSecond / metadata.perSecond,
        against: "one row read without door, seal and log, same listener",
      },
      { name: "p50 of it", value: reads.p50Ms, unit: "ms" },
      { name: "p99 of it", value: reads.p99Ms, unit: "ms", ceiling: 25 },
    ];
  } finally {
    await phylax.remove();
  }
}
