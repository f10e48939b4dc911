import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** What a load of a fixed number of clients reached. */
export interface Reached {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The compiler takes this long over so much code, and then a process goes on for months. */
export const settleSeconds = 15;

export interface Span {
  readonly clients: number;
  readonly seconds: number;
  /** Not counted; a fifth of `seconds` by default. */
  readonly warmUpSeconds?: number;
}

export interface Load extends Span {
  /** A connection of its own for each client. */
  readonly open: () => Promise<Duplex>;
  /** The next whole HTTP/1.1 request. */
  readonly next: () => Buffer;
}

const headEnd = Buffer.from("\r\n\r\n");

/** Length of the first whole answer in the bytes, 0 while it is not whole. Throws unless it is a 200 or 201 of known length. */
function answerLength(bytes: Buffer): number {
  const end = bytes.indexOf(headEnd);
  if (end === -1) return 0;
  const head = bytes.toString("latin1", 0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (!/^HTTP\/1\.1 20[01] /.test(head) || length === undefined) throw new Error(bytes.toString());
  const whole = end + headEnd.length + Number(length);
  return bytes.length >= whole ? whole : 0;
}

/** One client: asks anew as soon as it was answered, until `isOver`. */
function drive(
  socket: Duplex,
  next: () => Buffer,
  answered: (ms: number) => void,
  isOver: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0);
    let askedAt = 0;
    const ask = (): void => {
      askedAt = performance.now();
      socket.write(next());
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was closed")));
    socket.on("data", (chunk: Buffer) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      try {
        const length = answerLength(held);
        if (length === 0) return;
        held = held.subarray(length);
      } catch (error) {
        reject(error instanceof Error ? error : new Error("no answer"));
        return;
      }
      answered(performance.now() - askedAt);
      if (isOver()) resolve();
      else ask();
    });
    ask();
  });
}

/** Keeps every client busy for the span, and counts what was answered in it. */
async function count(
  { clients, seconds, warmUpSeconds = seconds / 5 }: Span,
  busy: (at: number, answered: (ms: number) => void, isOver: () => boolean) => Promise<void>,
): Promise<Reached> {
  const begin = performance.now() + warmUpSeconds * 1_000;
  const end = begin + seconds * 1_000;
  const took: number[] = [];
  const answered = (ms: number): void => {
    if (performance.now() >= begin) took.push(ms);
  };
  const isOver = (): boolean => performance.now() >= end;
  await Promise.all(Array.from({ length: clients }, (_, at) => busy(at, answered, isOver)));
  const elapsedMs = performance.now() - begin;
  took.sort((a, b) => a - b);
  const at = (share: number): number =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  return { perSecond: (took.length / elapsedMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/**
 * Loads with as many clients as asked for. The generator does as little as it can, since it takes
 * its share of the same cores. An answer other than 200 or 201 throws: a bench of refusals measures nothing.
 */
export async function load({ open, next, ...span }: Load): Promise<Reached> {
  const sockets = await Promise.all(Array.from({ length: span.clients }, open));
  try {
    return await count(span, (at, answered, isOver) => {
      const socket = sockets[at];
      if (socket === undefined) throw new Error("a socket for each client");
      return drive(socket, next, answered, isOver);
    });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** The same with calls in this process; a call that rejects ends the bench. */
export function loadCalls(span: Span, call: () => Promise<void>): Promise<Reached> {
  return count(span, async (_, answered, isOver) => {
    while (!isOver()) {
      const askedAt = performance.now();
      await call();
      answered(performance.now() - askedAt);
    }
  });
}

/** A TLS connection that is ready to be written to; throws when the handshake fails. */
export function openSocket(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

export interface HttpRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** A whole HTTP/1.1 request as bytes; a body goes as FHIR's JSON. */
export function httpRequest({ method, host, path, headers, body = "" }: HttpRequest): Buffer {
  const sent =
    body === ""
      ? headers
      : {
          ...headers,
          "content-type": "application/fhir+json",
          "content-length": String(Buffer.byteLength(body)),
        };
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${lines.join("")}\r\n${body}`);
}

/** A GET as bytes. */
export function getRequest(
  host: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Buffer {
  return httpRequest({ method: "GET", host, path, headers });
}
