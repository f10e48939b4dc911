import { X509Certificate } from "node:crypto";
import { rmSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { PeerCertificate, SecureContextOptions, TLSSocket } from "node:tls";
import { buildConnector, Pool } from "undici";
import { approvedOnly, approvedTls } from "#core/approved.ts";
import { parseProcessRole, type ProcessRole } from "#core/roles.ts";

/** Where a process listens: a unix socket on one machine, TCP between machines. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** PEM texts: this process's key and certificate chain, and the deployment's own CA. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** Each role certificate carries this DNS name; never resolved, only compared. */
export const roleName = (role: ProcessRole): string => `${role}.role.phylax.internal`;

const suffix = ".role.phylax.internal";

function roleOf(subjectAltName: string | undefined): ProcessRole | null {
  const names = (subjectAltName ?? "")
    .split(", ")
    .flatMap((name) => (name.startsWith("DNS:") ? [name.slice(4)] : []));
  const role = names.find((name) => name.endsWith(suffix));
  return role === undefined ? null : parseProcessRole(role.slice(0, -suffix.length));
}

// Read once at the handshake: getPeerCertificate costs more than all else that a request's shell does.
const provenRoles = new WeakMap<object, ProcessRole>();

/** The role that the caller's certificate proved at the handshake; null when it proved none that is accepted. */
export function peerRole(request: IncomingMessage): ProcessRole | null {
  return provenRoles.get(request.socket) ?? null;
}

/** Where a caller sits: its address on TCP, "local" on a unix socket. */
export function peerHost(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "local";
}

/** TLS options of one side of a connection between processes: TLS 1.3, both sides proven. */
export function mutualTls(identity: TlsIdentity, approved = approvedOnly()): SecureContextOptions {
  const { key, cert, ca } = identity;
  const options: SecureContextOptions = { key, cert, ca, minVersion: "TLSv1.3" };
  if (!approved) return options;
  return {
    ...options,
    ciphers: approvedTls.suites.join(":"),
    ecdhCurve: approvedTls.groups.join(":"),
  };
}

export interface MutualListener {
  /** Replaces the certificate for new connections; the old ones live on. */
  renew(identity: TlsIdentity): void;
  /** Stops accepting, ends idle connections, waits for the answers under way. */
  close(): Promise<void>;
  readonly server: Server;
}

export interface MutualListenerOptions {
  readonly address: Address;
  readonly identity: TlsIdentity;
  readonly accepts: readonly ProcessRole[];
  readonly handler: RequestListener;
}

/**
 * Listens with mutual TLS; a caller whose certificate is not of our CA fails the handshake, and one
 * whose role is not in `accepts` is cut off before a byte of its request is read.
 */
export async function listenMutual(options: MutualListenerOptions): Promise<MutualListener> {
  const { address, identity, accepts, handler } = options;
  const server = createServer(
    {
      ...mutualTls(identity),
      requestCert: true,
      rejectUnauthorized: true,
      keepAliveTimeout: 60_000,
      maxHeaderSize: 32 * 1024,
    },
    (request, response) => {
      // The first request may have come in the same packet as the handshake that was refused.
      if (peerRole(request) === null) request.socket.destroy();
      else handler(request, response);
    },
  );
  server.prependListener("secureConnection", (socket: TLSSocket) => {
    const role = roleOf(socket.getPeerCertificate().subjectaltname);
    if (role !== null && accepts.includes(role)) provenRoles.set(socket, role);
    else socket.destroy();
  });
  // A process that was killed leaves its socket file; who may start here was settled before.
  if (address.kind === "unix") rmSync(address.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const done = (): void => {
      server.off("error", reject);
      resolve();
    };
    if (address.kind === "unix") server.listen(address.path, done);
    else server.listen(address.port, address.host, done);
  });
  return {
    server,
    renew: (next) => server.setSecureContext(mutualTls(next)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** The port that a TCP listener got; throws when it listens on a unix socket. */
export function boundPort(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("not a TCP listener");
  return bound.port;
}

export interface PeerOptions {
  readonly address: Address;
  /** Read anew for each connection, so that a renewed certificate is used without a restart. */
  readonly identity: TlsIdentity;
  /** The role that the other side must prove. */
  readonly role: ProcessRole;
  readonly connections?: number;
}

/** A pool of mutual TLS connections to one other process; connects when first used. */
export function connectPeer({ address, identity, role, connections = 16 }: PeerOptions): Pool {
  const origin =
    address.kind === "unix" ? "https://localhost" : `https://${address.host}:${address.port}`;
  const place = address.kind === "unix" ? { socketPath: address.path } : {};
  const checkServerIdentity = (_host: string, certificate: PeerCertificate): Error | undefined =>
    roleOf(certificate.subjectaltname) === role
      ? undefined
      : new Error(`the other side is not ${role}`);
  const connect: buildConnector.connector = (target, callback) =>
    buildConnector({ ...mutualTls(identity), ...place, checkServerIdentity })(
      { ...target, servername: roleName(role) },
      callback,
    );
  return new Pool(origin, { connections, pipelining: 1, connect });
}

/** Whether a TCP port can be listened on at this moment. */
export async function portIsFree({ host, port }: { host: string; port: number }): Promise<boolean> {
  const probe = createTcpServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** When a PEM certificate ends. */
export function certificateEndsAt(pem: string): Date {
  return new X509Certificate(pem).validToDate;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;
