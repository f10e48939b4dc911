import assert from "node:assert/strict";
import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

const bin = new URL("../../bin/phylax.js", import.meta.url).pathname;

/** A start that takes longer than this has failed. */
const startMs = 120_000;

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A deployment of its own, started as a person would, on a free port and in a throw-away home. */
export interface TestDeployment {
  readonly home: string;
  readonly port: number;
  readonly origin: string;
  /** What `start` has printed until now. */
  output(): string;
  /** Runs one CLI command against this home. */
  run(...args: readonly string[]): Promise<Finished>;
  /** PEM. */
  authority(): string;
  supervisor(): ChildProcess;
  /** Asks it to stop as Ctrl-C does; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Starts again on the same home. */
  startAgain(...args: readonly string[]): Promise<void>;
  /** Stops whatever runs and removes the home. */
  remove(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address();
      server.close();
      if (bound === null || typeof bound === "string") reject(new Error("no port"));
      else resolve(bound.port);
    });
  });
}

/** Starts `phylax` and leaves it running. */
export function spawnPhylax(
  home: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, PHYLAX_HOME: home, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs `phylax` to its end. */
export function runPhylax(
  home: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<Finished> {
  const child = spawnPhylax(home, args, variables);
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

interface Started {
  readonly child: ChildProcess;
  readonly text: () => string;
}

async function launch(
  home: string,
  port: number,
  args: readonly string[],
  variables: Record<string, string>,
): Promise<Started> {
  const child = spawnPhylax(home, ["start", "--port", String(port), ...args], {
    NO_COLOR: "1",
    ...variables,
  });
  let said = "";
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not started in ${startMs} ms:\n${said}`)),
      startMs,
    );
    const hear = (text: string): void => {
      said += text;
      if (
        !/Sign in as[\s\S]*security-operator[\s\S]*one-time code|first administrator:\n\s+https/.test(
          said,
        )
      )
        return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`start ended with ${code}:\n${said}`));
    });
  });
  await ready;
  return { child, text: () => said };
}

function stopChild(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.kill("SIGINT");
  });
}

export interface DeploymentChoice {
  readonly args?: readonly string[];
  readonly variables?: Record<string, string>;
  readonly home?: string;
}

export async function startDeployment(choice: DeploymentChoice = {}): Promise<TestDeployment> {
  const home = choice.home ?? mkdtempSync(join(tmpdir(), "phylax-test-"));
  const port = await freePort();
  const variables = choice.variables ?? {};
  let started = await launch(home, port, choice.args ?? [], variables);
  return {
    home,
    port,
    origin: `https://localhost:${port}`,
    output: () => started.text(),
    run: (...args) => runPhylax(home, args, variables),
    authority: () => readFileSync(join(home, "authority", "authority.crt"), "utf8"),
    supervisor: () => started.child,
    stop: () => stopChild(started.child),
    startAgain: async (...args) => {
      started = await launch(home, port, args, variables);
    },
    remove: async () => {
      await stopChild(started.child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** What the demo printed for one persona. */
export interface PrintedSignIn {
  readonly link: string;
  readonly login: string;
  readonly password: string;
  readonly totpSeed: string;
}

/** Reads a persona's block from what `start` printed last. */
export function printedSignIn(output: string, role: string): PrintedSignIn {
  const block = output
    .slice(output.lastIndexOf("Sign in as"))
    .split(/\n\n/)
    .find((part) => part.trimStart().startsWith(role));
  const link = /link\s+(https:\S+)/.exec(block ?? "")?.[1];
  const other = /or\s+(\S+) \/ (.+), one-time code from the seed (\S+)/.exec(block ?? "");
  assert.ok(link !== undefined && other !== null, `no sign-in was printed for ${role}`);
  return { link, login: other[1] ?? "", password: other[2] ?? "", totpSeed: other[3] ?? "" };
}
