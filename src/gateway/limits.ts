import { limits } from "#core/limits.ts";

/** What the gateway grants a stranger. Every name holds its unit; docs/gateway.md lists them. */
export interface GatewayLimits {
  /** All header fields of one request, and of one HTTP/2 header list. */
  readonly headerBytes: number;
  readonly headerCount: number;
  /** Path and query together. */
  readonly urlBytes: number;

  /** From the TCP accept to the end of the TLS handshake. */
  readonly handshakeMs: number;
  /** From the first byte of a request, or the end of the handshake, to the end of its header. */
  readonly headerMs: number;
  /** A connection without a request under way is ended after this. */
  readonly idleMs: number;
  /** A body that is still arriving this long after its header must keep to `bodyBytesPerSecond`. */
  readonly bodyGraceMs: number;
  readonly bodyBytesPerSecond: number;
  /** The whole body, however steadily it comes. */
  readonly bodyMs: number;
  /** An answer whose bytes nobody takes for so long is cut. */
  readonly stalledAnswerMs: number;
  /** How often the limits above are looked at, so they hold to within this. */
  readonly sweepMs: number;
  /** After an early answer, the rest of a body is thrown away up to these two, then cut. */
  readonly lingerBytes: number;
  readonly lingerMs: number;
  /** Answers under way at close have this long to end. */
  readonly closeGraceMs: number;

  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly requestsPerConnection: number;
  /** Requests under way: HTTP/2 streams or pipelined HTTP/1.1 requests of one connection. */
  readonly requestsAtOncePerConnection: number;
  readonly requestsAtOnce: number;
  /** HTTP/2 streams that ended before their answer, in a burst and each second thereafter. */
  readonly resetsBurst: number;
  readonly resetsPerSecond: number;
  /** HTTP/2 memory of one session, in MiB as nghttp2 counts it. */
  readonly http2SessionMebibytes: number;

  /** Requests that the gateway itself refuses, from one address; then the connection is cut. */
  readonly refusalsPerMinute: number;
  /** Multiplies `perMinute` of every route: 0.5 for each of two gateways behind one balancer. */
  readonly rateShare: number;
  /** Addresses without a connection whose budgets are remembered. */
  readonly rememberedAddresses: number;

  /** Until the header of an upstream's answer. */
  readonly upstreamHeaderMs: number;
  /** Between two pieces of an upstream's answer. */
  readonly upstreamBodyMs: number;

  /** The portal's files, held in memory, before compression. */
  readonly portalBytes: number;
  readonly portalFiles: number;

  /** A TLS session ticket's key, and so a ticket, lives at most this. */
  readonly ticketKeyMs: number;
  /** Refusals are summed up and reported this often. */
  readonly tallyMs: number;
}

export const gatewayLimits: GatewayLimits = {
  headerBytes: limits.headerBytes,
  headerCount: 100,
  urlBytes: limits.urlBytes,

  handshakeMs: 10_000,
  headerMs: 10_000,
  idleMs: 60_000,
  bodyGraceMs: 10_000,
  bodyBytesPerSecond: 4 * 1024,
  bodyMs: 300_000,
  stalledAnswerMs: 30_000,
  sweepMs: 1_000,
  lingerBytes: 4 * 1024 * 1024,
  lingerMs: 2_000,
  closeGraceMs: 5_000,

  connections: 10_000,
  connectionsPerAddress: 256,
  requestsPerConnection: 100_000,
  requestsAtOncePerConnection: 64,
  requestsAtOnce: 4_000,
  resetsBurst: 100,
  resetsPerSecond: 10,
  http2SessionMebibytes: 4,

  refusalsPerMinute: 600,
  rateShare: 1,
  rememberedAddresses: 50_000,

  upstreamHeaderMs: 30_000,
  upstreamBodyMs: 30_000,

  portalBytes: 64 * 1024 * 1024,
  portalFiles: 1_000,

  ticketKeyMs: 60 * 60_000,
  tallyMs: 60_000,
};
