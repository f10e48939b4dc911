import { fork, type ChildProcess } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { problem, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import type { KeysHealth } from "#vault/vault.ts";

/** What a role process tells its supervisor. */
export type FromChild =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly problem: Problem }
  /** How long it can do without the keys process, whenever that changes. */
  | { readonly kind: "keys"; readonly health: KeysHealth };

/** What the supervisor tells a role process. */
export type ToChild = { readonly kind: "renew" } | { readonly kind: "portal-built" };

/** A child that ends earlier than this after its start is started again ever later. */
const quickDeathMs = 10_000;
interface MemoryMb {
  /** Room for what lives as long as one request, so that it dies young instead of being moved to the old. */
  readonly young: number;
  /**
   * Room for all else. A few dozen MB live; but the more is allowed, the longer the collector lets the
   * dead lie, and with the default an import leaves some hundred MB of them.
   */
  readonly old: number;
}

const large: MemoryMb = { young: 32, old: 1_024 };
/** For those whose requests are small: their young would else fill all of the room before any is freed. */
const small: MemoryMb = { young: 16, old: 512 };

const smallRoles: ReadonlySet<ProcessRole> = new Set<ProcessRole>(["identity", "keys"]);

/** How a role is run; a bench that runs one by itself must run it so, too. */
export function runtimeOf(role: ProcessRole) {
  const { young, old } = smallRoles.has(role) ? small : large;
  return {
    flags: [`--max-semi-space-size=${young}`, `--max-old-space-size=${old}`],
    // What a thread frees, the C library keeps for the pool of threads that it belongs to: with one
    // for each thread, ciphertext and sockets come to be held many times over.
    variables: { MALLOC_ARENA_MAX: "2" },
  };
}

const restartDelayMs = 200;
/** One that never became ready is not started more often than this. */
const firstTries = 3;
const restartDelayMaxMs = 10_000;
const stopGraceMs = 5_000;

export interface KeptProcess {
  readonly role: ProcessRole;
  /** Settles at the first "ready" or "failed"; later restarts do not change it. */
  readonly started: Promise<Result<null>>;
  pid(): number | null;
  /** What it last said of the keys process; null when it never did since it was started. */
  keysHealth(): KeysHealth | null;
  tell(message: ToChild): void;
  /** Asks it to end, kills it after a grace of 5 s; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface KeepOptions {
  readonly role: ProcessRole;
  readonly main: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly logPath: string;
  readonly onRestart: (role: ProcessRole, code: number | string) => void;
}

function isFromChild(message: unknown): message is FromChild {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  if (message.kind === "keys") return "health" in message;
  return message.kind === "ready" || (message.kind === "failed" && "problem" in message);
}

/** Runs one role as a child process and starts it again whenever it dies, until stopped. */
export function keepRunning(options: KeepOptions): KeptProcess {
  let child: ChildProcess | null = null;
  let stopping = false;
  let quickDeaths = 0;
  let pending: NodeJS.Timeout | null = null;
  const { promise: started, resolve } = Promise.withResolvers<Result<null>>();
  let refusedToStart = false;
  let wasReady = false;
  let keysHealth: KeysHealth | null = null;
  const runtime = runtimeOf(options.role);

  const launch = (): void => {
    const log = openSync(options.logPath, "a", 0o600);
    const startedAt = performance.now();
    child = fork(options.main, options.args, {
      stdio: ["ignore", log, log, "ipc"],
      env: { ...runtime.variables, ...options.variables },
      execArgv: runtime.flags,
      // Out of the terminal's group: Ctrl-C reaches the supervisor, which ends the others in order.
      detached: true,
    });
    closeSync(log);
    child.on("message", (message: unknown) => {
      if (!isFromChild(message)) return;
      if (message.kind === "keys") {
        keysHealth = message.health;
        return;
      }
      if (message.kind === "ready") wasReady = true;
      // One that ran before is only missing something that may come back, such as the keys process.
      else refusedToStart = !wasReady;
      resolve(message.kind === "ready" ? ok(null) : failed(message.problem));
    });
    child.once("exit", (code, signal) => {
      child = null;
      keysHealth = null;
      quickDeaths = performance.now() - startedAt < quickDeathMs ? quickDeaths + 1 : 0;
      if (stopping || refusedToStart || (!wasReady && quickDeaths >= firstTries)) {
        resolve(
          failed(
            problem("unexpected", {
              detail: `${options.role} does not start; see ${options.logPath}`,
            }),
          ),
        );
        return;
      }
      options.onRestart(options.role, signal ?? code ?? 0);
      const delayMs = Math.min(
        restartDelayMs * 2 ** Math.max(0, quickDeaths - 1),
        restartDelayMaxMs,
      );
      pending = setTimeout(launch, delayMs);
    });
  };
  launch();

  return {
    role: options.role,
    started,
    pid: () => child?.pid ?? null,
    keysHealth: () => keysHealth,
    tell: (message) => {
      if (child?.connected === true) child.send(message);
    },
    stop: async () => {
      stopping = true;
      if (pending !== null) clearTimeout(pending);
      const running = child;
      if (running === null) return;
      const gone = new Promise<void>((done) => running.once("exit", () => done()));
      const killer = setTimeout(() => running.kill("SIGKILL"), stopGraceMs);
      running.kill("SIGTERM");
      await gone;
      clearTimeout(killer);
    },
  };
}
