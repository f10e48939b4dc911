import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionRefusal } from "./events.ts";
import type { Exchange } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Source } from "./sources.ts";

/** How a connection speaks; until the handshake is done it does not. */
export type Speech =
  | { readonly kind: "handshake" }
  | { readonly kind: "http/1.1"; readonly socket: TLSSocket }
  | { readonly kind: "h2"; readonly session: ServerHttp2Session };

/** A client certificate of the devices' authority. */
export interface ClientCertificate {
  /** RFC 8705 §3.1, `x5t#S256`. */
  readonly thumbprint: string;
  readonly endsAtMs: number;
}

/** One accepted connection, changed as it goes on. */
export interface Connection {
  readonly socket: Socket;
  readonly source: Source;
  readonly exchanges: Set<Exchange>;
  speech: Speech;
  /** What the client proved itself with at the handshake; null when with nothing. */
  certificate: ClientCertificate | null;
  requests: number;
  /** Since when no request is under way. */
  quietSinceMs: number;
  /** Since when it is being closed, with an answer still on its way. */
  closingSinceMs: number | null;
  /** Tokens left for streams that end before their answer, and when they were last filled. */
  resetTokens: number;
  resetsFilledMs: number;
  /** What the last sweep saw, to tell whether a request's header has begun to arrive. */
  seenRequests: number;
  seenBytes: number;
  headerSinceMs: number | null;
}

export function newConnection(
  socket: Socket,
  source: Source,
  limits: GatewayLimits,
  nowMs: number,
): Connection {
  return {
    socket,
    source,
    exchanges: new Set(),
    speech: { kind: "handshake" },
    certificate: null,
    requests: 0,
    quietSinceMs: nowMs,
    closingSinceMs: null,
    resetTokens: limits.resetsBurst,
    resetsFilledMs: nowMs,
    seenRequests: 0,
    seenBytes: 0,
    headerSinceMs: null,
  };
}

/** Counts a stream that ended before its answer; false when there were too many. */
export function mayReset(connection: Connection, limits: GatewayLimits, nowMs: number): boolean {
  const refill = ((nowMs - connection.resetsFilledMs) * limits.resetsPerSecond) / 1000;
  connection.resetTokens = Math.min(limits.resetsBurst, connection.resetTokens + refill) - 1;
  connection.resetsFilledMs = nowMs;
  return connection.resetTokens >= 0;
}

export type Overdue =
  /** Nobody loses anything: it was idle, or was being closed. */
  { readonly kind: "end" } | { readonly kind: "cut"; readonly reason: ConnectionRefusal };

/** Whether a connection has outlived one of its time limits; remembers what it saw for the next time. */
export function overdue(
  connection: Connection,
  limits: GatewayLimits,
  nowMs: number,
): Overdue | null {
  const { speech, closingSinceMs, quietSinceMs } = connection;
  const tooSlow: Overdue = { kind: "cut", reason: "too-slow" };
  if (closingSinceMs !== null)
    return nowMs - closingSinceMs > limits.lingerMs ? { kind: "end" } : null;
  if (speech.kind === "handshake")
    return nowMs - quietSinceMs > limits.handshakeMs ? tooSlow : null;
  if (connection.exchanges.size > 0) return null;
  if (headerTooSlow(connection, limits, nowMs)) return tooSlow;
  const idleMs = connection.requests === 0 ? limits.headerMs : limits.idleMs;
  return nowMs - quietSinceMs > idleMs ? { kind: "end" } : null;
}

function headerTooSlow(connection: Connection, limits: GatewayLimits, nowMs: number): boolean {
  const { speech } = connection;
  // Within an HTTP/2 session pings and settings come too; its idle limit bounds a slow header.
  if (speech.kind !== "http/1.1") return false;
  const bytes = speech.socket.bytesRead;
  if (connection.seenRequests !== connection.requests) connection.headerSinceMs = null;
  else if (bytes > connection.seenBytes) connection.headerSinceMs ??= nowMs;
  connection.seenRequests = connection.requests;
  connection.seenBytes = bytes;
  const since = connection.headerSinceMs;
  return since !== null && nowMs - since > limits.headerMs;
}

/** Whether the client sends its body, or takes its answer, more slowly than is granted. */
export function exchangeTooSlow(
  { meter }: Exchange,
  limits: GatewayLimits,
  nowMs: number,
): "body" | "answer" | null {
  if (meter.blockedSinceMs !== null && nowMs - meter.blockedSinceMs > limits.stalledAnswerMs)
    return "answer";
  if (meter.receivingSinceMs === null) return null;
  if (nowMs - meter.startedMs > limits.bodyMs) return "body";
  const countedMs = nowMs - meter.receivingSinceMs - limits.bodyGraceMs;
  return countedMs > 0 && (meter.bytesIn * 1000) / countedMs < limits.bodyBytesPerSecond
    ? "body"
    : null;
}
