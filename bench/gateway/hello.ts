import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roleName } from "#core/net.ts";
import { testAuthority, testHost } from "#gateway/testing.ts";
import type { Target } from "./load.ts";
import type { Setup, Tells, Told } from "./process.ts";

export interface Part {
  readonly port: number;
  cpu(): Promise<{ readonly cpuMicros: number; readonly rssBytes: number }>;
  stop(): void;
}

async function startPart(setup: Setup): Promise<Part> {
  const child = fork(join(import.meta.dirname, "process.ts"), { stdio: "inherit" });
  const say = (told: Told): void => void child.send(told);
  say({ kind: "setup", setup });
  const first = await hear(child, "port");
  return {
    port: first.port,
    cpu: async () => {
      say({ kind: "cpu" });
      return hear(child, "cpu");
    },
    stop: () => say({ kind: "stop" }),
  };
}

function hear<K extends Tells["kind"]>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<Tells, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const exited = (): void => reject(new Error(`the process ended before it told its ${kind}`));
    child.once("exit", exited);
    child.once("message", (told: Tells) => {
      child.off("exit", exited);
      if (isKind(told, kind)) resolve(told);
      else reject(new Error(`expected ${kind}, heard ${told.kind}`));
    });
  });
}

function isKind<K extends Tells["kind"]>(
  told: Tells,
  kind: K,
): told is Extract<Tells, { kind: K }> {
  return told.kind === kind;
}

/** A bare Fastify hello, and the same hello behind a gateway and mutual TLS. */
export interface Hello {
  readonly direct: { readonly part: Part; readonly target: Target };
  readonly through: { readonly part: Part; readonly target: Target };
  stop(): void;
}

/** Starts hello and gateway as processes of their own. */
export async function startHello(): Promise<Hello> {
  const issue = await testAuthority();
  const publicIdentity = await issue(testHost);
  const folder = mkdtempSync(join(tmpdir(), "phylax-bench-"));
  const socketPath = join(folder, "upstream");
  const upstream = await startPart({
    kind: "upstream",
    identity: await issue(roleName("records")),
    publicIdentity,
    socketPath,
  });
  const gateway = await startPart({
    kind: "gateway",
    identity: await issue(roleName("gateway")),
    publicIdentity,
    socketPath,
    host: testHost,
  });
  const at = (part: Part): { readonly part: Part; readonly target: Target } => ({
    part,
    target: { port: part.port, ca: publicIdentity.ca, host: testHost, path: "/fhir/Patient/hello" },
  });
  return {
    direct: at(upstream),
    through: at(gateway),
    stop: () => {
      gateway.stop();
      upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
