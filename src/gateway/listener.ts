import { hash } from "node:crypto";
import { createServer as createTcp, type Server as TcpServer, type Socket } from "node:net";
import { createServer as createTls, type TLSSocket } from "node:tls";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { type ClientCertificate, type Connection, newConnection } from "./connection.ts";
import type { Sources } from "./sources.ts";
import { createSpeech, type SpeechOptions } from "./speech.ts";
import { sweep, windUp } from "./sweep.ts";
import {
  type MinTls,
  type PublicTls,
  secureContextOptions,
  serverTlsOptions,
} from "./tls-options.ts";

export interface ListenerOptions extends SpeechOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: PublicTls;
  readonly minTls: MinTls;
  readonly random: Random;
  readonly sources: Sources;
}

export interface Listener {
  readonly port: number;
  /** Serves new connections with another certificate. Throws when key and certificate do not fit. */
  renew(tls: PublicTls): void;
  /** Takes no more connections, lets the answers under way end within their grace. */
  close(): Promise<void>;
}

/** Listens on the public address. Fails with port-busy; throws when the TLS material is unfit. */
export async function listen(options: ListenerOptions): Promise<Result<Listener>> {
  const { limits, clock, random } = options;
  const connections = new Set<Connection>();
  const tls = createTls(serverTlsOptions(options.tls, options.minTls, limits));
  const arrivals = new Map<string, Connection>();
  const front = createTcp({ noDelay: true }, (socket) =>
    accept(socket, { options, connections, arrivals, tls: (raw) => tls.emit("connection", raw) }),
  );
  front.maxConnections = limits.connections;
  front.on("drop", () => options.refused("too-many-connections"));
  tls.on("tlsClientError", (_error, socket) => {
    options.refused("handshake-failed");
    socket.destroy();
  });
  const speak = createSpeech(options);
  tls.on("secureConnection", (socket) => {
    const connection = arrivals.get(endsOf(socket));
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    connection.certificate = certificateOf(socket);
    speak(connection, socket);
  });

  const bound = await bind(front, options);
  if (!bound.ok) return bound;
  const timers = [
    setInterval(() => sweep(connections, options), limits.sweepMs),
    setInterval(() => tls.setTicketKeys(random.bytes(48)), limits.ticketKeyMs),
  ];
  for (const timer of timers) timer.unref();
  return ok({
    port: bound.value,
    renew: (next) => tls.setSecureContext(secureContextOptions(next, options.minTls)),
    async close() {
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      const now = clock.monotonicMs();
      for (const connection of connections) windUp(connection, now);
      const grace = setTimeout(() => {
        for (const { socket } of connections) socket.destroy();
      }, limits.closeGraceMs);
      await closed;
      clearTimeout(grace);
      for (const timer of timers) clearInterval(timer);
    },
  });
}

function bind(front: TcpServer, { host, port }: ListenerOptions): Promise<Result<number>> {
  return new Promise((resolve) => {
    // Also later, when no descriptor is left for a connection: that one is lost, not the gateway.
    front.on("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "another program listens on it" : error.code;
      resolve(refuse("port-busy", { detail: `port ${port} on ${host}: ${why ?? "unknown"}` }));
    });
    front.listen(port, host, () => {
      const address = front.address();
      resolve(ok(address === null || typeof address === "string" ? port : address.port));
    });
  });
}

/** What the client proved itself with; null when with nothing, or with nothing of the devices' authority. */
function certificateOf(socket: TLSSocket): ClientCertificate | null {
  const shown = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (shown === undefined) return null;
  const thumbprint = hash("sha256", shown.raw, "base64url");
  return { thumbprint, endsAtMs: shown.validToDate.getTime() };
}

/** Tells the TLS socket of a TCP connection: both ends' addresses are the connection's name. */
function endsOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

interface Arrival {
  readonly options: ListenerOptions;
  readonly connections: Set<Connection>;
  readonly arrivals: Map<string, Connection>;
  readonly tls: (socket: Socket) => void;
}

function accept(socket: Socket, { options, connections, arrivals, tls }: Arrival): void {
  const { clock, sources, limits } = options;
  const now = clock.monotonicMs();
  const { remoteAddress } = socket;
  const source = remoteAddress === undefined ? null : sources.open(remoteAddress, now);
  if (source === null) {
    options.refused("too-many-from-address");
    socket.destroy();
    return;
  }
  const connection = newConnection(socket, source, limits, now);
  const ends = endsOf(socket);
  connections.add(connection);
  arrivals.set(ends, connection);
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    connections.delete(connection);
    arrivals.delete(ends);
    source.close();
    for (const exchange of connection.exchanges) exchange.watch.closed();
  });
  tls(socket);
}
