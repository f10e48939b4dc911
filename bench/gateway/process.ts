import { createServer } from "node:https";
import fastify from "fastify";
import { systemClock } from "#core/clock.ts";
import { boundPort, connectPeer, listenMutual, type TlsIdentity } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import { createGateway } from "#gateway/gateway.ts";
import { gatewayLimits } from "#gateway/limits.ts";
import { routes } from "#gateway/routes.ts";

/** What the bench tells a process of its own to be. */
export type Setup =
  | {
      readonly kind: "upstream";
      readonly identity: TlsIdentity;
      readonly publicIdentity: TlsIdentity;
      readonly socketPath: string;
    }
  | {
      readonly kind: "gateway";
      readonly identity: TlsIdentity;
      readonly publicIdentity: TlsIdentity;
      readonly socketPath: string;
      readonly host: string;
    };

export type Told =
  | { readonly kind: "setup"; readonly setup: Setup }
  | { readonly kind: "cpu" }
  | { readonly kind: "stop" };
export type Tells =
  | { readonly kind: "port"; readonly port: number }
  | { readonly kind: "cpu"; readonly cpuMicros: number; readonly rssBytes: number };

const hello = { resourceType: "Patient", id: "hello", text: "x".repeat(1_000) };

/** A Fastify hello, both behind mutual TLS and directly over TLS. */
async function serveHello(setup: Extract<Setup, { kind: "upstream" }>): Promise<number> {
  const app = fastify();
  app.get("/fhir/:type/:id", () => hello);
  await app.ready();
  await listenMutual({
    address: { kind: "unix", path: setup.socketPath },
    identity: setup.identity,
    accepts: ["gateway"],
    handler: (request, response) => app.routing(request, response),
  });
  const { key, cert } = setup.publicIdentity;
  const direct = createServer({ key, cert, minVersion: "TLSv1.3" }, (request, response) =>
    app.routing(request, response),
  );
  await new Promise<void>((resolve) => {
    direct.listen(0, "127.0.0.1", resolve);
  });
  return boundPort(direct);
}

async function serveGateway(setup: Extract<Setup, { kind: "gateway" }>): Promise<number> {
  const pool = connectPeer({
    address: { kind: "unix", path: setup.socketPath },
    identity: setup.identity,
    role: "records",
  });
  const gateway = await createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    tls: setup.publicIdentity,
    minTls: "TLSv1.3",
    routes,
    upstreams: { identity: pool, records: pool },
    portalDirectory: "portal/dist",
    publicOrigin: `https://${setup.host}`,
    clock: systemClock,
    random: systemRandom,
    // One address asks for thousands: the budget of a route is not what is measured.
    limits: { ...gatewayLimits, rateShare: 1_000, requestsPerConnection: 10_000_000 },
    event: () => undefined,
  });
  if (!gateway.ok) throw new Error(gateway.problem.detail);
  return gateway.value.port;
}

function tell(message: Tells): void {
  process.send?.(message);
}

async function obey(told: Told): Promise<void> {
  if (told.kind === "stop") process.exit(0);
  if (told.kind === "cpu") {
    const { user, system } = process.cpuUsage();
    tell({ kind: "cpu", cpuMicros: user + system, rssBytes: process.memoryUsage.rss() });
    return;
  }
  const { setup } = told;
  const port = setup.kind === "upstream" ? await serveHello(setup) : await serveGateway(setup);
  tell({ kind: "port", port });
}

process.on("message", (told: Told) => void obey(told));
process.on("disconnect", () => process.exit(0));
