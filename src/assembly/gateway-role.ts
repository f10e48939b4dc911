import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connectPeer, type TlsIdentity } from "#core/net.ts";
import { ok } from "#core/result.ts";
import type { GatewayEvent } from "#gateway/events.ts";
import { createGateway } from "#gateway/gateway.ts";
import { gatewayLimits } from "#gateway/limits.ts";
import { followRevocations } from "#gateway/revocations.ts";
import type { PublicTls } from "#gateway/tls-options.ts";
import { routes } from "#gateway/routes.ts";
import { deviceAuthorityPem } from "#assembly/device-authority.ts";
import type { RoleContext, RoleStarter } from "#assembly/role-process.ts";

const portalDirectory = fileURLToPath(new URL("../../portal/dist", import.meta.url));

/** The operational log holds what an operator must act on; ordinary answers would only bury it. */
function noteworthy(event: GatewayEvent): boolean {
  return event.kind !== "answered" || event.status >= 500;
}

function publicTls({ home }: RoleContext): PublicTls {
  const text = readFileSync(home.file("certificates", "public.json"), "utf8");
  const { key, cert } = JSON.parse(text) as TlsIdentity;
  return { key, cert, deviceCa: deviceAuthorityPem(home) };
}

/** The gateway process: public TLS, the route table, connections to identity and records. */
export const startGateway: RoleStarter = async (context) => {
  const { home, environment, identity, site, clock, random, event } = context;
  const upstreams = {
    identity: connectPeer({
      address: { kind: "unix", path: home.socket("identity") },
      identity,
      role: "identity",
      connections: 32,
    }),
    records: connectPeer({
      address: { kind: "unix", path: home.socket("records") },
      identity,
      role: "records",
      connections: 64,
    }),
  };
  const revocations = followRevocations({
    identity: upstreams.identity,
    clock,
    heard: (isHeard) => event(isHeard ? "revocations-heard" : "revocations-lost"),
  });
  const gateway = await createGateway({
    guard: revocations.guard,
    listen: site,
    tls: publicTls(context),
    minTls: "TLSv1.3",
    routes,
    upstreams,
    portalDirectory,
    publicOrigin: site.publicOrigin,
    clock,
    random,
    limits: { ...gatewayLimits, rateShare: environment.rateShare },
    event: (happened) => {
      if (noteworthy(happened)) event(happened.kind, { detail: JSON.stringify(happened) });
    },
  });
  if (!gateway.ok) return gateway;
  const reload = async (): Promise<void> => {
    const loaded = await gateway.value.reloadPortal();
    if (!loaded.ok) event("portal-refused", { detail: loaded.problem.detail ?? null });
  };
  return ok({
    renew: () => gateway.value.renew(publicTls(context)),
    portalBuilt: () => void reload(),
    close: async () => {
      revocations.close();
      await gateway.value.close();
      await Promise.all([upstreams.identity.destroy(), upstreams.records.destroy()]);
    },
  });
};
