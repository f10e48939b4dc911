import type { TLSSocket } from "node:tls";
import { openVisitor, signIn } from "../test/support/client.ts";
import { printedSignIn, startDeployment } from "../test/support/deployment.ts";
import { memoryMb } from "../test/support/processes.ts";
import type { Figure } from "./figure.ts";
import { startHello } from "./gateway/hello.ts";
import { getRequest, load, openSocket, settleSeconds, type Reached } from "./load.ts";

const clients = 16;
const seconds = 5;
/** A proof lives this long; they are made before the clock starts, as phones make them on their own. */
const proofsAhead = 45_000;

async function helloBehindGateway(): Promise<Reached> {
  const hello = await startHello();
  try {
    const { port, ca, host: servername, path } = hello.through.target;
    const open = (): Promise<TLSSocket> => openSocket({ host: "127.0.0.1", port, servername, ca });
    const request = getRequest(servername, path, {});
    return await load({ clients, seconds, open, next: () => request });
  } finally {
    hello.stop();
  }
}

/** The whole deployment as a newcomer starts it: start, rest, and reading through every process. */
export async function run(): Promise<readonly Figure[]> {
  const startedAt = performance.now();
  // One address stands for many people here.
  const phylax = await startDeployment({
    variables: { PHYLAX_RATE_SHARE: "1000", PHYLAX_BRAKE_SHARE: "10000" },
  });
  const firstStart = (performance.now() - startedAt) / 1_000;
  try {
    await phylax.stop();
    const againAt = performance.now();
    await phylax.startAgain();
    const secondStart = (performance.now() - againAt) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const rest = memoryMb(phylax.home);

    const visitor = openVisitor(phylax.origin, phylax.authority());
    const patient = await signIn(visitor, printedSignIn(phylax.output(), "patient"));
    const me = JSON.parse((await patient.ask("GET", "/api/identity/me")).text) as {
      patients: readonly string[];
    };
    const path = `/fhir/Patient/${me.patients[0] ?? ""}`;
    const host = `localhost:${phylax.port}`;
    const request = (): Buffer =>
      getRequest(host, path, {
        authorization: `DPoP ${patient.token}`,
        dpop: patient.key.proof("GET", `${phylax.origin}${path}`, patient.token),
      });
    const requests = Array.from({ length: proofsAhead }, request);
    const tls = {
      host: "127.0.0.1",
      port: phylax.port,
      servername: "localhost",
      ca: phylax.authority(),
    };
    const open = (): Promise<TLSSocket> => openSocket(tls);
    const next = (): Buffer => requests.pop() ?? request();
    const reads = await load({ clients, seconds, warmUpSeconds: settleSeconds, open, next });
    await visitor.close();
    await phylax.stop();
    const hello = await helloBehindGateway();
    return [
      {
        name: "npm start to a served page, first time, with the demo town",
        value: firstStart,
        unit: "s",
      },
      { name: "npm start to a served page, again", value: secondStart, unit: "s", ceiling: 4 },
      { name: "memory of all processes at rest", value: rest, unit: "MB", ceiling: 700 },
      {
        name: "audited read through gateway and mutual TLS, 16 clients",
        value: reads.perSecond,
        unit: "reads/s",
        floor: 2_000,
        ratio: reads.perSecond / hello.perSecond,
        against: "a bare Fastify hello behind the same gateway",
      },
      { name: "p50 of it", value: reads.p50Ms, unit: "ms" },
      { name: "p99 of it", value: reads.p99Ms, unit: "ms", ceiling: 25 },
    ];
  } finally {
    await phylax.remove();
  }
}
