import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Clock } from "#core/clock.ts";
import type { ProblemCode } from "#core/problem.ts";
import type { Connection } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import { Http1Exchange, type Http1Options } from "./exchange-http1.ts";
import type { GatewayLimits } from "./limits.ts";
import { rawRefusal } from "./refusal.ts";
import type { HeaderPolicy } from "./response-headers.ts";

/** What the protocols tell the listener. */
export interface Listening {
  readonly limits: GatewayLimits;
  readonly policy: HeaderPolicy;
  readonly clock: Clock;
  /** A request was read; the listener answers it, or cuts the connection. */
  readonly asked: (connection: Connection, exchange: Exchange) => void;
  /** Something was not a request. */
  readonly broken: (connection: Connection) => void;
  /** Ends a connection that keeps to no limit. */
  readonly cut: (connection: Connection, reason: "too-many-resets") => void;
}

/**
 * Speaks HTTP/1.1 on connections handed over. Time limits are the listener's own sweep, so
 * node:http's are off; its parser is in its strict mode.
 */
export function speakHttp1(
  listening: Listening,
): (connection: Connection, socket: TLSSocket) => void {
  const { limits, clock } = listening;
  const connections = new WeakMap<Duplex, Connection>();
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    insecureHTTPParser: false,
    requireHostHeader: false,
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0,
  });
  // Fields are counted by readHeaders: node:http would drop those above its count in silence.
  server.maxHeadersCount = 0;
  const on =
    (expects: Http1Options["expects"]) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const connection = connections.get(request.socket);
      // What is pipelined behind the last request that is answered must not be carried out.
      if (connection === undefined || connection.closingSinceMs !== null) return;
      const last = connection.requests + 1 >= limits.requestsPerConnection;
      const startedMs = clock.monotonicMs();
      const options = { limits, startedMs, expects, last };
      listening.asked(connection, new Http1Exchange(request, response, options));
    };
  server.on("request", on("nothing"));
  server.on("checkContinue", on("continue"));
  server.on("checkExpectation", on("unknown"));
  const refuseRaw = (socket: Duplex, code: ProblemCode): void => {
    const connection = connections.get(socket);
    // A second fault while the first is being answered, or an answer that this one would garble.
    if (connection === undefined || connection.closingSinceMs !== null) return;
    const { exchanges } = connection;
    if (!socket.writable || [...exchanges].some(({ meter }) => !meter.ended)) {
      socket.destroy();
      return;
    }
    connection.closingSinceMs = clock.monotonicMs();
    listening.broken(connection);
    // The fault may lie behind a request that was already answered for it.
    if (exchanges.size > 0) socket.end();
    else socket.end(rawRefusal({ code }, listening.policy));
  };
  server.on("connect", (_request: IncomingMessage, socket: Duplex) =>
    refuseRaw(socket, "method-not-allowed"),
  );
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === "HPE_HEADER_OVERFLOW") refuseRaw(socket, "headers-too-large");
    else if (error.code?.startsWith("HPE_") === true) refuseRaw(socket, "request-malformed");
    else socket.destroy();
  });
  return (connection, socket) => {
    connections.set(socket, connection);
    server.emit("connection", socket);
  };
}
