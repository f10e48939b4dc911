import { fork, type ChildProcess } from "node:child_process";
import { createPrivateKey, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { Pool } from "undici";
import { runtimeOf } from "#assembly/child.ts";
import { clientFactHeaders } from "#core/client-facts.ts";
import { sha256Text } from "#core/jws.ts";
import { invariant } from "#core/result.ts";
import { signJws, testOrigin, type SigningKey } from "#records/testing.ts";
import { startTestServer } from "#storage/test-server.ts";
import { httpRequest } from "../load.ts";
import type { Tidy } from "../support.ts";
import type { Setup, Tells, Told } from "./records-process.ts";

export const practitioner = "bench-doctor";

export interface Asking {
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly path: string;
  readonly body?: string;
}

/** A records process under load, and the clinician who loads it. */
export interface BenchWorld {
  readonly ready: Extract<Tells, { kind: "ready" }>;
  readonly open: () => Promise<Duplex>;
  /** Makes whole requests with a fresh token; each has a proof of its own. */
  sign(): Promise<(asking: Asking) => Buffer>;
  /** Imports resources as an operator does; throws when one is refused. */
  bring(resources: readonly object[]): Promise<void>;
  /** Resident bytes: now, and the most there ever were. */
  memory(): Promise<{ readonly rssBytes: number; readonly peakBytes: number }>;
}

function answer<K extends Tells["kind"]>(
  child: ChildProcess,
  kind: K,
  told: Told,
): Promise<Extract<Tells, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const hear = (message: Tells): void => {
      if (message.kind !== kind) return;
      child.off("message", hear);
      resolve(message as Extract<Tells, { kind: K }>);
    };
    child.on("message", hear);
    child.once("exit", (code) => reject(new Error(`the records process ended with ${code}`)));
    child.send(told);
  });
}

const facts = {
  "x-test-peer": "gateway",
  [clientFactHeaders.address]: "192.0.2.7",
  [clientFactHeaders.zone]: "internet",
  [clientFactHeaders.requestId]: randomUUID(),
};

function signer(key: SigningKey, token: string): (asking: Asking) => Buffer {
  const ath = sha256Text(token);
  return ({ method, path, body }) => {
    const proof = signJws(
      { typ: "dpop+jwt", jwk: key.jwk },
      {
        jti: randomUUID(),
        htm: method,
        htu: testOrigin + (path.split("?")[0] ?? ""),
        iat: Math.floor(Date.now() / 1_000),
        ath,
      },
      key,
    );
    const headers = { ...facts, authorization: `DPoP ${token}`, dpop: proof };
    return httpRequest({ method, host: "localhost", path, headers, body });
  };
}

function openSocket(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** An import takes no more in one request. */
const linesAtOnce = 1_000;

async function send(pool: Pool, resources: readonly object[]): Promise<void> {
  const lines = resources.map((resource, entry) =>
    JSON.stringify({ file: "bench", entry, resource }),
  );
  const { statusCode, body } = await pool.request({
    method: "POST",
    path: "/internal/import",
    headers: { "x-test-peer": "operator", "phylax-operator": "bench" },
    body: lines.join("\n"),
  });
  const text = await body.text();
  const refused = text.split("\n").find((line) => line.includes('"refused"'));
  if (statusCode !== 200 || refused !== undefined) throw new Error(refused ?? text);
}

/** PostgreSQL that flushes to disk as the product's does, and one records process on it. */
export async function openBenchWorld(tidy: Tidy, plain: boolean): Promise<BenchWorld> {
  const server = await startTestServer({ durable: true });
  tidy(() => server.stop());
  const folder = await mkdtemp(join(tmpdir(), "phylax-bench-"));
  tidy(() => rm(folder, { recursive: true, force: true }));
  const socketPath = join(folder, "records.sock");
  const child = fork(join(import.meta.dirname, "records-process.ts"), {
    env: {
      ...process.env,
      ...runtimeOf("records").variables,
      PHYLAX_TEST_POSTGRES: JSON.stringify(server.connection),
    },
    execArgv: runtimeOf("records").flags,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  tidy(
    () =>
      new Promise<void>((resolve) => {
        child.removeAllListeners("exit");
        child.once("exit", () => resolve());
        child.send({ kind: "stop" } satisfies Told);
      }),
  );
  const setup: Setup = { kind: "setup", socketPath, plain, practitioner };
  const ready = await answer(child, "ready", setup);
  const privateKey = createPrivateKey({ key: { ...ready.key }, format: "jwk" });
  const key: SigningKey = { privateKey, jwk: ready.publicJwk, jkt: "" };
  const operator = new Pool("http://localhost", { connect: { socketPath }, connections: 2 });
  tidy(() => operator.destroy());
  return {
    ready,
    open: () => openSocket(socketPath),
    sign: async () => {
      const { token } = await answer(child, "token", { kind: "token" });
      invariant(token !== "", "the clinician has a token");
      return signer(key, token);
    },
    bring: async (resources) => {
      for (let at = 0; at < resources.length; at += linesAtOnce)
        await send(operator, resources.slice(at, at + linesAtOnce));
    },
    memory: () => answer(child, "memory", { kind: "memory" }),
  };
}
