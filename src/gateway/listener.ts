import { createServer as createTcp, type Server as TcpServer, type Socket } from "node:net";
import { createServer as createTls, type TLSSocket } from "node:tls";
import type { Clock } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { type Connection, exchangeTooSlow, newConnection, overdue } from "./connection.ts";
import type { ConnectionRefusal } from "./events.ts";
import { type Exchange, losesFraming } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import type { HeaderPolicy } from "./response-headers.ts";
import type { Service } from "./service.ts";
import type { Sources } from "./sources.ts";
import { type Listening, speakHttp1 } from "./speak-http1.ts";
import { speakHttp2 } from "./speak-http2.ts";
import {
  type MinTls,
  type PublicTls,
  secureContextOptions,
  serverTlsOptions,
} from "./tls-options.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: PublicTls;
  readonly minTls: MinTls;
  readonly limits: GatewayLimits;
  readonly policy: HeaderPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly sources: Sources;
  readonly service: Service;
  /** Takes a token of the budget of refusals; 0 when there was one. */
  readonly countRefusal: (connection: Connection) => number;
  readonly refused: (reason: ConnectionRefusal) => void;
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
    if (connection === undefined) socket.destroy();
    else speak(connection, socket);
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
    front.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "another program listens on it" : error.code;
      resolve(refuse("port-busy", { detail: `port ${port} on ${host}: ${why ?? "unknown"}` }));
    });
    front.listen(port, host, () => {
      const address = front.address();
      resolve(ok(address === null || typeof address === "string" ? port : address.port));
    });
  });
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
  socket.once("close", () => {
    connections.delete(connection);
    arrivals.delete(ends);
    source.close();
    for (const exchange of connection.exchanges) exchange.watch.closed();
  });
  tls(socket);
}

/** Picks the protocol by ALPN (RFC 7301); a client that offers none speaks HTTP/1.1. */
function createSpeech(options: ListenerOptions) {
  const { limits, policy, clock } = options;
  const cut = (connection: Connection, reason: ConnectionRefusal): void => {
    if (!connection.socket.destroyed) options.refused(reason);
    connection.socket.destroy();
  };
  const listening: Listening = {
    limits,
    policy,
    clock,
    cut,
    asked: (connection, exchange) => {
      const refusal = ask(connection, exchange, options);
      if (refusal !== null) cut(connection, refusal);
    },
    broken: (connection) => {
      options.refused("header-broken");
      if (options.countRefusal(connection) > 0) cut(connection, "too-many-refusals");
    },
  };
  const http1 = speakHttp1(listening);
  const http2 = speakHttp2(listening);
  return (connection: Connection, socket: TLSSocket): void => {
    // Errors of a connection are the end of it, which `close` tells.
    socket.on("error", () => socket.destroy());
    connection.quietSinceMs = clock.monotonicMs();
    if (socket.alpnProtocol === "h2") {
      connection.speech = { kind: "h2", session: http2(connection, socket) };
    } else {
      connection.speech = { kind: "http/1.1", socket };
      http1(connection, socket);
    }
  };
}

/** Has a request answered; gives the reason where its connection must end. */
function ask(
  connection: Connection,
  exchange: Exchange,
  options: ListenerOptions,
): ConnectionRefusal | null {
  const { limits, clock } = options;
  const { exchanges, speech } = connection;
  if (exchanges.size >= limits.requestsAtOncePerConnection) return "too-many-at-once";
  connection.requests += 1;
  exchanges.add(exchange);
  exchange.watch.onClose(() => {
    exchanges.delete(exchange);
    if (exchanges.size > 0) return;
    connection.quietSinceMs = clock.monotonicMs();
    if (connection.closingSinceMs !== null && speech.kind === "http/1.1")
      speech.socket.destroySoon();
  });
  const isWelcome = options.service(exchange, connection.source);
  const isLast = connection.requests >= limits.requestsPerConnection;
  if (speech.kind === "http/1.1" && (isLast || losesFraming(exchange.meter.refusal)))
    connection.closingSinceMs ??= clock.monotonicMs();
  return isWelcome ? null : "too-many-refusals";
}

function sweep(connections: ReadonlySet<Connection>, options: ListenerOptions): void {
  const { limits, clock } = options;
  const now = clock.monotonicMs();
  for (const connection of connections) {
    for (const exchange of connection.exchanges) {
      const slow = exchangeTooSlow(exchange, limits, now);
      if (slow === "body" && exchange.watch.overdue()) continue;
      if (slow !== null) exchange.cut();
    }
    const end = overdue(connection, limits, now);
    if (end === null) continue;
    if (end.kind === "cut") {
      options.refused(end.reason);
      connection.socket.destroy();
    } else {
      windUp(connection, now);
    }
  }
}

/** Ends a connection once nothing is under way on it; asked again, at once. */
function windUp(connection: Connection, nowMs: number): void {
  const { speech, exchanges } = connection;
  const again = connection.closingSinceMs !== null;
  connection.closingSinceMs ??= nowMs;
  // A session closes by itself after its last stream, and tells the client not to open another.
  if (speech.kind === "h2" && !again) speech.session.close();
  else if (speech.kind === "http/1.1" && !again && exchanges.size === 0)
    speech.socket.destroySoon();
  else if (exchanges.size === 0) connection.socket.destroy();
}
