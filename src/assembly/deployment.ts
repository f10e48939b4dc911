import { spawn } from "node:child_process";
import { existsSync, openSync, closeSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { toIso, type Clock } from "#core/clock.ts";
import { portIsFree } from "#core/net.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { failed, ok, type Result } from "#core/result.ts";
import type { Connection } from "#storage/connection.ts";
import { startEmbedded, type EmbeddedServer } from "#storage/embedded.ts";
import { openAuthority, type Authority } from "#assembly/authority.ts";
import { keepRunning, type KeptProcess } from "#assembly/child.ts";
import { parseDatabaseUrl, prepareDatabase } from "#assembly/database.ts";
import type { Environment } from "#assembly/environment.ts";
import { settle, writeSecretFile, type Home, type Settings } from "#assembly/home.ts";
import { makeDeviceAuthority } from "#assembly/device-authority.ts";
import { makeLogKeys } from "#assembly/log-keys.ts";
import { takeHome, type RunningStatus } from "#assembly/only-one.ts";
import type { ServingRole, Site } from "#assembly/role-process.ts";
import { rootPassphrase } from "#assembly/root-key.ts";

export const servingRoles = [
  "keys",
  "identity",
  "records",
  "gateway",
] as const satisfies readonly ServingRole[];

/** Role certificates last a day; they are renewed this often. */
const renewEveryMs = 12 * 60 * 60_000;

const portalIndex = fileURLToPath(new URL("../../portal/dist/index.html", import.meta.url));
const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

export interface DeploymentOptions {
  readonly home: Home;
  readonly environment: Environment;
  readonly mode: Settings["mode"];
  readonly site: Site;
  readonly main: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  /** Shows one step while it runs. */
  readonly step: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Something that the person at the terminal should know now. */
  readonly warn: (text: string) => void;
}

export interface Deployment {
  readonly settings: Settings;
  readonly publicOrigin: string;
  readonly authority: Authority;
  stop(): Promise<void>;
}

function siteArguments({ host, port, publicOrigin }: Site): readonly string[] {
  return ["--host", host, "--port", String(port), "--origin", publicOrigin];
}

async function issueCertificates(home: Home, authority: Authority, site: Site): Promise<void> {
  for (const role of servingRoles) {
    writeSecretFile(
      home.file("certificates", `${role}.json`),
      JSON.stringify(await authority.issueRole(role)),
    );
  }
  const { hostname } = new URL(site.publicOrigin);
  await authority.publicIdentity([...new Set([hostname, "localhost", "127.0.0.1", "::1"])]);
}

/** Builds the portal's static files when they are not there; the log goes to the home. */
async function buildPortal(home: Home): Promise<void> {
  const vite = createRequire(import.meta.url)
    .resolve("vite/package.json")
    .replace(/package\.json$/, "bin/vite.js");
  const log = openSync(home.file("log", "portal-build.log"), "a", 0o600);
  const child = spawn(process.execPath, [vite, "build", "portal", "--logLevel", "warn"], {
    cwd: projectRoot,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  await new Promise((resolve) => child.once("exit", resolve));
}

type Refused = Extract<Result<never>, { ok: false }>;

interface Stopper {
  readonly stop: () => Promise<void>;
}

/**
 * Brings up everything of one home in order: the home's lock, certificates, keys, database, the four
 * processes. On failure whatever was started is stopped again.
 */
export async function startDeployment(options: DeploymentOptions): Promise<Result<Deployment>> {
  const { home, site, step, clock, random } = options;
  const settings = settle(home, options.mode, random);
  const children = new Map<ServingRole, KeptProcess>();
  const since = toIso(clock.now());
  const status = (): RunningStatus => ({
    pid: process.pid,
    publicOrigin: site.publicOrigin,
    mode: settings.mode,
    since,
    processes: Object.fromEntries(
      servingRoles.map((role) => [role, children.get(role)?.pid() ?? null]),
    ),
    keys: children.get("records")?.keysHealth() ?? null,
  });
  const held = await takeHome(home, status);
  if (held === null) {
    return refuse("already-running", {
      detail: `Phylax runs on ${home.path} already; \`phylax status\` says where`,
    });
  }
  const stoppers: Stopper[] = [{ stop: async () => held.release() }];
  const stop = async (): Promise<void> => {
    for (const stopper of stoppers.splice(0).toReversed()) await stopper.stop();
  };
  const refuseAndStop = async (result: Refused): Promise<Refused> => {
    await stop();
    return result;
  };

  if (!(await portIsFree(site))) {
    const detail = `port ${site.port} is taken by another program; stop that one or choose a port: npm start -- --port ${site.port + 1}`;
    return refuseAndStop(refuse("port-busy", { detail }));
  }
  const launch = (role: ServingRole): KeptProcess => {
    const child = keepRunning({
      role,
      main: options.main,
      args: ["start", "--role", role, ...siteArguments(site)],
      variables: { ...options.variables, PHYLAX_HOME: home.path },
      logPath: home.file("log", `${role}.log`),
      onRestart: (which, why) =>
        options.warn(
          `${which} ended (${why}) and is started again; see ${home.file("log", `${which}.log`)}`,
        ),
    });
    children.set(role, child);
    stoppers.push({ stop: () => child.stop() });
    return child;
  };

  const authority = await step("Certificates of this deployment", async () => {
    const opened = await openAuthority(home, clock, random);
    await issueCertificates(home, opened, site);
    makeLogKeys(home);
    await makeDeviceAuthority(home, clock, random);
    return opened;
  });
  const rootKey = rootPassphrase(home, options.environment, random);
  if (!rootKey.ok) return refuseAndStop(rootKey);
  if (rootKey.value.warning !== null) options.warn(rootKey.value.warning);

  // These wait for nobody's database, so they start while PostgreSQL does.
  const early = [launch("keys"), launch("gateway")];
  const portal = existsSync(portalIndex) ? null : step("Portal pages", () => buildPortal(home));
  const database = await step("PostgreSQL", () => startDatabase(options, stoppers));
  if (!database.ok) return refuseAndStop(database);
  const migrated = await step("Migrations", () => prepareDatabase(home, database.value, random));
  if (!migrated.ok) return refuseAndStop(migrated);

  const started = await step("Gateway, identity, records and keys", async () => {
    const keys = await early[0]?.started;
    if (keys?.ok === false) return [keys];
    return Promise.all(
      [...early, launch("identity"), launch("records")].map((child) => child.started),
    );
  });
  const bad = started.find((result) => !result.ok);
  if (bad !== undefined && !bad.ok) return refuseAndStop(bad);
  if (portal !== null) {
    await portal;
    if (!existsSync(portalIndex)) {
      return refuseAndStop(
        failed(
          problem("unexpected", {
            detail: `the portal could not be built; see ${home.file("log", "portal-build.log")}`,
          }),
        ),
      );
    }
    children.get("gateway")?.tell({ kind: "portal-built" });
  }

  const renewAll = async (): Promise<void> => {
    await issueCertificates(home, authority, site);
    for (const child of children.values()) child.tell({ kind: "renew" });
  };
  const renewal = setInterval(() => {
    void renewAll();
  }, renewEveryMs);
  stoppers.push({ stop: async () => clearInterval(renewal) });
  return ok({ settings, publicOrigin: site.publicOrigin, authority, stop });
}

/** A server that ends unbidden is started again after this long. */
const databaseRestartMs = 500;

/** The outside server that DATABASE_URL names, else the embedded one, kept running. */
async function startDatabase(
  options: DeploymentOptions,
  stoppers: Stopper[],
): Promise<Result<Connection>> {
  const { environment, home, clock, random, warn } = options;
  if (environment.databaseUrl !== null) return parseDatabaseUrl(environment.databaseUrl);
  let stopped = false;
  let running: EmbeddedServer | null = null;
  const launch = async (): Promise<Result<EmbeddedServer>> => {
    const started = await startEmbedded({
      home: home.file("postgres"),
      clock,
      random,
      onExit: again,
    });
    if (started.ok) running = started.value;
    return started;
  };
  const again = (): void => {
    running = null;
    if (stopped) return;
    warn("PostgreSQL ended and is started again");
    setTimeout(
      () => void launch().then((result) => (result.ok ? null : again())),
      databaseRestartMs,
    );
  };
  stoppers.push({
    stop: async () => {
      stopped = true;
      await running?.stop();
    },
  });
  const first = await launch();
  return first.ok ? ok(first.value.connection) : first;
}
