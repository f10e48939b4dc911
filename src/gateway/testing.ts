// @peculiar/x509 needs this polyfill to be loaded before it.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Dispatcher } from "undici";
import { systemClock } from "#core/clock.ts";
import { connectPeer, listenMutual, roleName, type TlsIdentity } from "#core/net.ts";
import { systemRandom } from "#core/random.ts";
import type { GatewayEvent } from "./events.ts";
import { createGateway, type Gateway, type GatewayDeps } from "./gateway.ts";
import { gatewayLimits, type GatewayLimits } from "./limits.ts";
import { followRevocations, type RevocationsDeps } from "./revocations.ts";
import { routes } from "./routes.ts";

/** A certificate authority for one test run and what it signs: each name is one DNS name. */
export async function testAuthority(): Promise<(name: string) => Promise<TlsIdentity>> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const life = {
    notBefore: new Date(systemClock.now() - 60_000),
    notAfter: new Date(systemClock.now() + 3_600_000),
    signingAlgorithm: algorithm,
  };
  const keys = await newKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    ...life,
    name: "CN=test authority",
    keys,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  let serial = 1;
  return async (name) => {
    const own = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      ...life,
      serialNumber: `0${(serial += 1)}`,
      subject: "CN=test",
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
    });
    const key = PemConverter.encode(
      await webcrypto.subtle.exportKey("pkcs8", own.privateKey),
      "PRIVATE KEY",
    );
    return { key, cert: certificate.toString("pem"), ca: root.toString("pem") };
  };
}

const issued = testAuthority();
export const testHost = "phylax.test";

export interface TestGateway {
  readonly gateway: Gateway;
  readonly port: number;
  readonly ca: string;
  readonly host: string;
  readonly events: GatewayEvent[];
  readonly portalDirectory: string;
}

export interface TestGatewayOptions {
  readonly limits?: Partial<GatewayLimits>;
  /** Answers for records and identity over mutual TLS; 404 by default. */
  readonly records?: RequestListener;
  readonly identity?: RequestListener;
  /** Stands in for the pools of mutual TLS connections. */
  readonly upstream?: Dispatcher;
  readonly portal?: Readonly<Record<string, string | Buffer>>;
  readonly deps?: Partial<GatewayDeps>;
  /** The gateway follows what identity tells of ended sessions. */
  readonly follows?: Pick<RevocationsDeps, "heard" | "staleMs">;
}

const nothingHere: RequestListener = (_request, response) => response.writeHead(404).end();

/** A gateway over real TLS with upstreams of the test's own, torn down after it. */
export async function testGateway(
  t: TestContext,
  options: TestGatewayOptions = {},
): Promise<TestGateway> {
  const issue = await issued;
  const own = await issue(testHost);
  const [identity, records] = await Promise.all([
    peer(t, "identity", options.identity ?? nothingHere),
    peer(t, "records", options.records ?? nothingHere),
  ]);
  const portalDirectory = mkdtempSync(join(tmpdir(), "phylax-portal-"));
  t.after(() => rmSync(portalDirectory, { recursive: true }));
  for (const [name, content] of Object.entries(options.portal ?? {})) {
    mkdirSync(dirname(join(portalDirectory, name)), { recursive: true });
    writeFileSync(join(portalDirectory, name), content);
  }
  const events: GatewayEvent[] = [];
  const { follows } = options;
  const revocations =
    follows === undefined ? null : followRevocations({ identity, clock: systemClock, ...follows });
  if (revocations !== null) t.after(() => revocations.close());
  const made = await createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    tls: own,
    minTls: "TLSv1.3",
    routes,
    upstreams:
      options.upstream === undefined
        ? { identity, records }
        : { identity: options.upstream, records: options.upstream },
    portalDirectory,
    publicOrigin: `https://${testHost}`,
    clock: systemClock,
    random: systemRandom,
    limits: { ...gatewayLimits, sweepMs: 25, closeGraceMs: 200, ...options.limits },
    event: (event) => events.push(event),
    ...(revocations === null ? {} : { guard: revocations.guard }),
    ...options.deps,
  });
  if (!made.ok) throw new Error(`${made.problem.code}: ${made.problem.detail}`);
  t.after(() => made.value.close());
  const { port } = made.value;
  return { gateway: made.value, port, ca: own.ca, host: testHost, events, portalDirectory };
}

async function peer(t: TestContext, role: "identity" | "records", handler: RequestListener) {
  const issue = await issued;
  const path = join(mkdtempSync(join(tmpdir(), "phylax-peer-")), "socket");
  const address = { kind: "unix", path } as const;
  const identity = await issue(roleName(role));
  const listener = await listenMutual({ address, identity, accepts: ["gateway"], handler });
  const pool = connectPeer({ address, identity: await issue(roleName("gateway")), role });
  t.after(async () => {
    await pool.destroy();
    listener.server.closeAllConnections();
    await listener.close();
    rmSync(dirname(path), { recursive: true });
  });
  return pool;
}

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The object that a JSON answer holds. */
export function jsonOf({ body }: Pick<Answer, "body">): Readonly<Record<string, unknown>> {
  return JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
}

/** One HTTP/1.1 request on a connection of its own. */
export function ask(to: TestGateway, { method, path, headers = {}, body }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: "127.0.0.1",
        port: to.port,
        servername: to.host,
        ca: to.ca,
        agent: false,
        method: method ?? "GET",
        path,
        headers: { host: to.host, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A TLS connection to the gateway on which a test writes what it likes. */
export function openTls(to: TestGateway, more: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: "127.0.0.1",
      port: to.port,
      servername: to.host,
      ca: to.ca,
      ...more,
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** Everything that comes until the gateway ends the connection. */
export function untilEnd(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

/** Sends raw bytes and gives all that comes back; `\n` in the text stands for CRLF. */
export async function sendRaw(to: TestGateway, text: string): Promise<string> {
  const socket = await openTls(to);
  const answer = untilEnd(socket);
  socket.write(Buffer.from(text.replaceAll("\n", "\r\n"), "latin1"));
  return answer;
}

/** The status codes of the answers in raw HTTP/1.1 bytes. */
export function statuses(raw: string): readonly number[] {
  return [...raw.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => Number(status));
}
