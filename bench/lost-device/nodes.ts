import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { openRecords } from "#assembly/records-role.ts";
import { readSettings } from "#assembly/home.ts";
import { systemClock } from "#core/clock.ts";
import { connectPeer, listenMutual, peerRole, type Address, type TlsIdentity } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { createGateway } from "#gateway/gateway.ts";
import { gatewayLimits } from "#gateway/limits.ts";
import { followRevocations } from "#gateway/revocations.ts";
import { routes } from "#gateway/routes.ts";
import { usualEmergencyRules } from "#records/break-glass/rules.ts";
import type { OpenedHome } from "../identity/home.ts";
import type { Tidy } from "../support.ts";

const shared = { clock: systemClock, random: systemRandom };
const nothing = (): void => {};

/** A gateway that answers to the deployment's origin. */
export interface Node {
  readonly port: number;
  /** When it broke an answer off, by performance.now(), each time. */
  readonly brokenAt: readonly number[];
}

/** A second records process on the database and keys of a running deployment; where it listens. */
export async function startSecondRecords(
  opened: OpenedHome,
  publicOrigin: string,
  tidy: Tidy,
): Promise<Address> {
  const { home } = opened;
  const settings = readSettings(home);
  invariant(settings !== null, "the deployment has settings");
  const identity = opened.identityOf("records");
  const records = await openRecords(
    {
      ...shared,
      home,
      settings,
      site: { publicOrigin, host: "127.0.0.1", port: 0 },
      identity,
      event: nothing,
      keysHealth: nothing,
      keysGraceMs: 0,
      emergency: usualEmergencyRules,
      brakeShare: 1,
    },
    peerRole,
    `phylax/${settings.tenant}/records-2`,
  );
  invariant(records.ok, "a second records process opens");
  tidy(() => records.value.close());
  const folder = await mkdtemp(join(tmpdir(), "phylax-node-"));
  tidy(() => rm(folder, { recursive: true, force: true }));
  const address = { kind: "unix", path: join(folder, "records") } as const;
  const { handler } = records.value;
  const listener = await listenMutual({ address, identity, accepts: ["gateway"], handler });
  tidy(async () => {
    listener.server.closeAllConnections();
    await listener.close();
  });
  return address;
}

/** A gateway of the bench's own before one of the records processes. */
export async function startGatewayBefore(
  records: Address,
  opened: OpenedHome,
  publicOrigin: string,
  tidy: Tidy,
): Promise<Node> {
  const { home } = opened;
  const identity = opened.identityOf("gateway");
  const address = { kind: "unix", path: home.socket("identity") } as const;
  const fromIdentity = connectPeer({ address, identity, role: "identity" });
  const toRecords = connectPeer({ address: records, identity, role: "records" });
  tidy(() => Promise.all([fromIdentity.destroy(), toRecords.destroy()]));
  const followed = { identity: fromIdentity, clock: systemClock, heard: nothing };
  const { guard, close } = followRevocations(followed);
  tidy(close);
  const tls = readFileSync(home.file("certificates", "public.json"), "utf8");
  const brokenAt: number[] = [];
  const gateway = await createGateway({
    ...shared,
    listen: { host: "127.0.0.1", port: 0 },
    tls: JSON.parse(tls) as TlsIdentity,
    minTls: "TLSv1.3",
    routes,
    upstreams: { identity: fromIdentity, records: toRecords },
    portalDirectory: home.path,
    publicOrigin,
    limits: gatewayLimits,
    event: (event) => {
      const isStream = event.kind === "answered" && event.route === "/fhir/:type/:id/:name";
      if (isStream && !event.whole) brokenAt.push(performance.now());
    },
    guard,
  });
  invariant(gateway.ok, "a second gateway listens");
  tidy(() => gateway.value.close());
  return { port: gateway.value.port, brokenAt };
}
