import type { Dispatcher } from "undici";
import type { Clock } from "#core/clock.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { Route } from "#core/routes.ts";
import type { GatewayEvent } from "./events.ts";
import type { GatewayLimits } from "./limits.ts";
import { listen } from "./listener.ts";
import { loadPortal, type Portal } from "./portal.ts";
import type { Revocations } from "./revocations.ts";
import { headerPolicy } from "./response-headers.ts";
import { compileRoutes } from "./route-table.ts";
import { createService, refusalBudget } from "./service.ts";
import { createSources } from "./sources.ts";
import { createTally } from "./tally.ts";
import type { MinTls, PublicTls } from "./tls-options.ts";
import { compileZones, type ZoneRange } from "./zones.ts";

export interface GatewayDeps {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: PublicTls;
  readonly minTls: MinTls;
  readonly routes: readonly Route[];
  readonly upstreams: { readonly identity: Dispatcher; readonly records: Dispatcher };
  /** Where the built portal lies; it may not be there yet. */
  readonly portalDirectory: string;
  /** Such as https://phylax.example: the one origin under which clients know us. */
  readonly publicOrigin: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: GatewayLimits;
  /** Told of each request and, each `tallyMs`, of refusals; must not throw. */
  readonly event: (event: GatewayEvent) => void;
  /** Networks that are not the internet; none by default. */
  readonly zones?: readonly ZoneRange[];
  /** Cuts the answers of sessions that end; nobody does when it is left out. */
  readonly guard?: Revocations["guard"];
  /** Whether pages carry require-trusted-types-for; on by default. */
  readonly trustedTypes?: boolean;
}

export interface Gateway {
  readonly port: number;
  /** Resolves when the answers under way have ended, or their grace has. */
  close(): Promise<void>;
  /** New connections get the new certificate. Throws when key and certificate do not fit. */
  renew(tls: PublicTls): void;
  /**
   * Reads the portal's files again. Fails with portal-missing when it is not built or exceeds its
   * limits; what was served before is then served on.
   */
  reloadPortal(): Promise<Result<Portal>>;
}

/**
 * Brings the gateway up. Fails with port-busy when the address cannot be listened on. Throws when
 * routes contradict each other, or TLS material, zones or the public origin are unfit.
 */
export async function createGateway(deps: GatewayDeps): Promise<Result<Gateway>> {
  const { clock, limits, random, event } = deps;
  const table = compileRoutes(deps.routes);
  const policy = headerPolicy({ trustedTypes: deps.trustedTypes ?? true });
  const tally = createTally(clock, event);
  const portalOptions = { ...limits, directory: deps.portalDirectory };
  const loaded = await loadPortal(portalOptions);
  let portal = loaded.ok ? loaded.value : null;
  const service = createService({
    ...deps,
    table,
    policy,
    tally,
    portal: () => portal,
    authorities: authoritiesOf(deps.publicOrigin),
  });
  const budget = refusalBudget(table);
  const sources = createSources({
    perMinute: [
      ...deps.routes.map((route) => route.perMinute * limits.rateShare),
      limits.refusalsPerMinute,
    ],
    connectionsPerAddress: limits.connectionsPerAddress,
    remembered: limits.rememberedAddresses,
    zoneOf: compileZones(deps.zones ?? []),
  });
  const listener = await listen({
    ...deps.listen,
    tls: deps.tls,
    minTls: deps.minTls,
    limits,
    policy,
    clock,
    random,
    sources,
    service,
    countRefusal: ({ source }) => source.take(budget, clock.monotonicMs()),
    refused: (reason) => tally.add(null, reason),
  });
  if (!listener.ok) return listener;
  const reports = setInterval(() => tally.report(), limits.tallyMs);
  reports.unref();
  return ok({
    port: listener.value.port,
    renew: (next) => listener.value.renew(next),
    async reloadPortal() {
      const reloaded = await loadPortal(portalOptions);
      if (reloaded.ok) portal = reloaded.value;
      return reloaded;
    },
    async close() {
      await listener.value.close();
      clearInterval(reports);
      tally.report();
    },
  });
}

/** The Host values of an origin; the port may be left out or written where it is the scheme's own. */
function authoritiesOf(origin: string): ReadonlySet<string> {
  const { host, port } = new URL(origin);
  return new Set(port === "" ? [host, `${host}:443`] : [host]);
}
