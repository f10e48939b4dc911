import { readFileSync } from "node:fs";
import { systemClock, toIso, type Clock } from "#core/clock.ts";
import type { TlsIdentity } from "#core/net.ts";
import { problem } from "#core/problem.ts";
import { systemRandom, type Random } from "#core/random.ts";
import { unreachable, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import type { FromChild, ToChild } from "#assembly/child.ts";
import type { Environment } from "#assembly/environment.ts";
import { fipsRefusal, systemFipsProbe } from "#assembly/fips.ts";
import type { KeysHealth } from "#vault/vault.ts";
import { openHome, readSettings, type Home, type Settings } from "#assembly/home.ts";

/** What each role is given to build itself from. */
export interface RoleContext {
  readonly home: Home;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly site: Site;
  /** Its fields change when the certificate is renewed. */
  readonly identity: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** One line of operational log; never PHI, a token or a key. */
  readonly event: (
    name: string,
    facts?: Readonly<Record<string, string | number | boolean | null>>,
  ) => void;
  /** Tells the supervisor whether this process can have keys. */
  readonly keysHealth: (health: KeysHealth) => void;
}

/** Where the deployment is found. */
export interface Site {
  /** The one address under which browsers know it, such as https://localhost:8443. */
  readonly publicOrigin: string;
  /** Address and TCP port on which the gateway listens. */
  readonly host: string;
  readonly port: number;
}

export interface RunningRole {
  renew(): void;
  portalBuilt?(): void;
  close(): Promise<void>;
}

export type ServingRole = Exclude<ProcessRole, "operator">;
export type RoleStarter = (context: RoleContext) => Promise<Result<RunningRole>>;

/** A child whose supervisor is gone stops by itself; it may take this long to answer what is under way. */
const farewellMs = 4_000;

interface HeldIdentity extends TlsIdentity {
  reload(): void;
}

function heldIdentity(path: string): HeldIdentity {
  const read = (): TlsIdentity => JSON.parse(readFileSync(path, "utf8")) as TlsIdentity;
  let current = read();
  return {
    get key() {
      return current.key;
    },
    get cert() {
      return current.cert;
    },
    get ca() {
      return current.ca;
    },
    reload: () => {
      current = read();
    },
  };
}

function tellSupervisor(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

function sayEvent(
  role: ServingRole,
  name: string,
  facts: NonNullable<Parameters<RoleContext["event"]>[1]>,
): void {
  process.stderr.write(
    `${JSON.stringify({ time: toIso(systemClock.now()), role, event: name, ...facts })}\n`,
  );
}

async function starterOf(role: ServingRole): Promise<RoleStarter> {
  switch (role) {
    case "gateway":
      return (await import("#assembly/gateway-role.ts")).startGateway;
    case "identity":
      return (await import("#assembly/identity-role.ts")).startIdentity;
    case "records":
      return (await import("#assembly/records-role.ts")).startRecords;
    case "keys":
      return (await import("#assembly/keys-role.ts")).startKeys;
    default:
      return unreachable(role);
  }
}

/**
 * Runs one role until it is told to stop or its supervisor is gone. Resolves with the exit code:
 * 0 after an orderly stop, 78 when the home, its settings or FIPS mode do not fit, 70 when it could not start.
 */
export async function runRole(
  role: ServingRole,
  environment: Environment,
  site: Site,
): Promise<number> {
  const unfit = fipsRefusal(environment.fipsRequired, systemFipsProbe);
  if (unfit !== null) {
    sayEvent(role, "refused-to-start", { code: unfit.code, detail: unfit.detail ?? null });
    tellSupervisor({ kind: "failed", problem: unfit });
    return 78;
  }
  const home = openHome(environment.homePath);
  const settings = home.ok ? readSettings(home.value) : null;
  if (!home.ok || settings === null) {
    const detail = `no deployment in ${environment.homePath}; \`phylax start\` makes one`;
    tellSupervisor({
      kind: "failed",
      problem: home.ok ? problem("home-refused", { detail }) : home.problem,
    });
    return 78;
  }
  const identity = heldIdentity(home.value.file("certificates", `${role}.json`));
  const event: RoleContext["event"] = (name, facts = {}) => sayEvent(role, name, facts);
  const start = await starterOf(role);
  const running = await start({
    home: home.value,
    settings,
    environment,
    site,
    identity,
    event,
    keysHealth: (health) => tellSupervisor({ kind: "keys", health }),
    clock: systemClock,
    random: systemRandom,
  });
  if (!running.ok) {
    event("refused-to-start", {
      code: running.problem.code,
      detail: running.problem.detail ?? null,
    });
    tellSupervisor({ kind: "failed", problem: running.problem });
    return 70;
  }
  tellSupervisor({ kind: "ready" });
  event("ready", { pid: process.pid });
  await untilTold(running.value, identity);
  setTimeout(() => process.exit(0), farewellMs).unref();
  await running.value.close();
  return 0;
}

function untilTold(running: RunningRole, identity: HeldIdentity): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
    process.once("disconnect", resolve);
    process.on("message", (message: ToChild) => {
      switch (message.kind) {
        case "renew":
          identity.reload();
          running.renew();
          return;
        case "portal-built":
          running.portalBuilt?.();
          return;
        default:
          unreachable(message);
      }
    });
  });
}
