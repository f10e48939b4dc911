import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roleName } from "#core/net.ts";
import { testAuthority, testHost } from "#gateway/testing.ts";
import type { Figure } from "./figure.ts";
import { type Load, type LoadOptions, loadHttp1, loadHttp2, type Target } from "./gateway/load.ts";
import type { Setup, Tells, Told } from "./gateway/process.ts";

const clients = 16;
const warmUpMs = 1_500;
const measureMs = 4_000;

interface Part {
  readonly port: number;
  cpu(): Promise<{ readonly cpuMicros: number; readonly rssBytes: number }>;
  stop(): void;
}

async function startPart(setup: Setup): Promise<Part> {
  const child = fork(join(import.meta.dirname, "gateway", "process.ts"), { stdio: "inherit" });
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

interface Measured extends Load {
  readonly cpuMicrosPerRequest: number;
}

async function measure(
  part: Part,
  target: Target,
  load: (target: Target, options: LoadOptions) => Promise<Load>,
): Promise<Measured> {
  const cpu: number[] = [];
  const mark = async (): Promise<void> => {
    cpu.push((await part.cpu()).cpuMicros);
  };
  const loaded = await load(target, { clients, warmUpMs, measureMs, mark });
  const [begin = 0, end = 0] = cpu;
  return { ...loaded, cpuMicrosPerRequest: (end - begin) / Math.max(1, loaded.requests) };
}

/** A bare Fastify hello behind the gateway and mutual TLS, against the same hello directly over TLS. */
export async function run(): Promise<Figure[]> {
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
  const at = (port: number): Target => ({
    port,
    ca: publicIdentity.ca,
    host: testHost,
    path: "/fhir/Patient/hello",
  });
  try {
    const direct = await measure(upstream, at(upstream.port), loadHttp1);
    const through = await measure(gateway, at(gateway.port), loadHttp1);
    const throughHttp2 = await measure(gateway, at(gateway.port), loadHttp2);
    const { rssBytes } = await gateway.cpu();
    return figures(direct, through, throughHttp2, rssBytes);
  } finally {
    gateway.stop();
    upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function figures(direct: Measured, through: Measured, http2: Measured, rssBytes: number): Figure[] {
  const against = "the hello directly over TLS";
  return [
    { name: "hello directly over TLS", value: direct.requestsPerSecond, unit: "requests/s" },
    {
      name: "hello through gateway and mutual TLS, HTTP/1.1",
      value: through.requestsPerSecond,
      unit: "requests/s",
      ratio: through.requestsPerSecond / direct.requestsPerSecond,
      against,
    },
    {
      name: "hello through gateway and mutual TLS, HTTP/2",
      value: http2.requestsPerSecond,
      unit: "requests/s",
      ratio: http2.requestsPerSecond / direct.requestsPerSecond,
      against,
    },
    {
      name: "the gateway's own CPU a request, HTTP/1.1",
      value: through.cpuMicrosPerRequest,
      unit: "µs",
      ceiling: 120,
      ratio: through.cpuMicrosPerRequest / direct.cpuMicrosPerRequest,
      against: "the hello's own",
    },
    {
      name: "the gateway's own CPU a request, HTTP/2",
      value: http2.cpuMicrosPerRequest,
      unit: "µs",
      ratio: http2.cpuMicrosPerRequest / direct.cpuMicrosPerRequest,
      against: "the hello's own",
    },
    {
      name: "memory of the gateway after both",
      value: rssBytes / 1024 / 1024,
      unit: "MiB",
    },
  ];
}
