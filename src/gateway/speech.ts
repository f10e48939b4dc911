import type { TLSSocket } from "node:tls";
import type { Clock } from "#core/clock.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionRefusal } from "./events.ts";
import { type Exchange, losesFraming } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import type { HeaderPolicy } from "./response-headers.ts";
import type { Service } from "./service.ts";
import { type Listening, speakHttp1 } from "./speak-http1.ts";
import { speakHttp2 } from "./speak-http2.ts";

export interface SpeechOptions {
  readonly limits: GatewayLimits;
  readonly policy: HeaderPolicy;
  readonly clock: Clock;
  readonly service: Service;
  /** Takes a token of the budget of refusals; 0 when there was one. */
  readonly countRefusal: (connection: Connection) => number;
  readonly refused: (reason: ConnectionRefusal) => void;
}

/** Picks the protocol by ALPN (RFC 7301); a client that offers none speaks HTTP/1.1. */
export function createSpeech(options: SpeechOptions) {
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
  options: SpeechOptions,
): ConnectionRefusal | null {
  const { limits, clock } = options;
  const { exchanges, speech } = connection;
  if (exchanges.size >= limits.requestsAtOncePerConnection) return "too-many-at-once";
  connection.requests += 1;
  exchanges.add(exchange);
  exchange.watch.onReset(() => void connection.socket.resetAndDestroy());
  exchange.watch.onClose(() => {
    exchanges.delete(exchange);
    if (exchanges.size > 0) return;
    connection.quietSinceMs = clock.monotonicMs();
    if (connection.closingSinceMs !== null && speech.kind === "http/1.1")
      speech.socket.destroySoon();
  });
  const isWelcome = options.service(exchange, connection.source, connection.certificate);
  const isLast = connection.requests >= limits.requestsPerConnection;
  if (speech.kind === "http/1.1" && (isLast || losesFraming(exchange.meter.refusal)))
    connection.closingSinceMs ??= clock.monotonicMs();
  return isWelcome ? null : "too-many-refusals";
}
