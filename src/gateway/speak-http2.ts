import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import { type Connection, mayReset } from "./connection.ts";
import { Http2Exchange } from "./exchange-http2.ts";
import type { Listening } from "./speak-http1.ts";

/** Speaks HTTP/2 on connections handed over; gives the session, so that it can be ended. */
export function speakHttp2(
  listening: Listening,
): (connection: Connection, socket: TLSSocket) => ServerHttp2Session {
  const { limits, clock } = listening;
  const options = {
    settings: {
      maxConcurrentStreams: limits.requestsAtOncePerConnection,
      maxHeaderListSize: limits.headerBytes,
      enablePush: false,
    },
    // Node's own count includes the four pseudo-header fields.
    maxHeaderListPairs: limits.headerCount + 4,
    maxSessionMemory: limits.http2SessionMebibytes,
    streamResetBurst: limits.resetsBurst,
    streamResetRate: limits.resetsPerSecond,
  };
  return (connection, socket) => {
    const session = performServerHandshake(socket, options);
    session.on("error", () => socket.destroy());
    session.on(
      "stream",
      (
        stream: ServerHttp2Stream,
        headers: IncomingHttpHeaders,
        _flags: number,
        rawHeaders: string[],
      ) => {
        const exchange = new Http2Exchange({
          stream,
          headers,
          rawHeaders,
          headerBytes: limits.headerBytes,
          startedMs: clock.monotonicMs(),
        });
        exchange.watch.onClose(() => {
          if (exchange.meter.ended && stream.rstCode === constants.NGHTTP2_NO_ERROR) return;
          if (!mayReset(connection, limits, clock.monotonicMs()))
            listening.cut(connection, "too-many-resets");
        });
        listening.asked(connection, exchange);
        if (connection.requests >= limits.requestsPerConnection) session.close();
      },
    );
    return session;
  };
}
