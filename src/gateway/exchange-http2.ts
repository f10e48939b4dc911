import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Readable } from "node:stream";
import type { ProblemCode } from "#core/problem.ts";
import { type Exchange, type Meter, newMeter, Watch } from "./exchange.ts";

/** What node:http2 hands over with a new stream. */
export interface Http2Request {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly startedMs: number;
  /** Largest header list; a client may exceed it until it has seen our settings. */
  readonly headerBytes: number;
}

/** One HTTP/2 stream; nghttp2 has checked framing and the form of the fields (RFC 9113 §8). */
export class Http2Exchange implements Exchange {
  readonly protocol = "h2";
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly fault: ProblemCode | null;
  readonly meter: Meter;
  readonly watch = new Watch();
  readonly bodyFollows: boolean;
  readonly source: Readable;
  readonly #stream: ServerHttp2Stream;
  readonly #expectsContinue: boolean;

  constructor({ stream, headers, rawHeaders, startedMs, headerBytes }: Http2Request) {
    this.#stream = stream;
    this.#expectsContinue = headers.expect === "100-continue";
    this.method = headers[":method"] ?? "";
    this.target = headers[":path"] ?? "";
    this.rawHeaders = asHttp1(rawHeaders);
    this.fault = listBytes(rawHeaders) > headerBytes ? "headers-too-large" : faultOf(headers);
    this.meter = newMeter(startedMs);
    this.bodyFollows = !stream.endAfterHeaders;
    this.source = stream;
    // A reset by the client is an ordinary end; `close` tells of it.
    stream.on("error", () => undefined);
    stream.once("close", () => this.watch.closed());
  }

  sendContinue(): void {
    if (this.#expectsContinue && !this.#stream.closed)
      this.#stream.additionalHeaders({ ":status": 100 });
  }

  begin(status: number, headers: readonly string[]): void {
    this.meter.status = status;
    if (this.#stream.destroyed || this.#stream.closed) return;
    const fields: OutgoingHttpHeaders = { ":status": status };
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = headers[at] ?? "";
      const value = headers[at + 1] ?? "";
      const before = fields[name];
      fields[name] = before === undefined ? value : [before, value].flat().map(String);
    }
    this.#stream.respond(fields);
  }

  write(chunk: Buffer): boolean {
    this.meter.bytesOut += chunk.length;
    return this.#stream.write(chunk);
  }

  onDrain(resume: () => void): void {
    this.#stream.once("drain", resume);
  }

  end(chunk?: Buffer): void {
    if (this.meter.ended) return;
    this.meter.ended = true;
    if (chunk !== undefined) this.meter.bytesOut += chunk.length;
    const stream = this.#stream;
    // RFC 9113 §8.1: a whole answer before a whole request is followed by RST_STREAM NO_ERROR.
    if (this.bodyFollows && !stream.readableEnded)
      stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
    stream.end(chunk);
  }

  cut(): void {
    // `close` would first end the stream, and half an answer would look whole.
    this.#stream.destroy(new Error("the answer broke off"));
  }
}

/** Without pseudo-header fields; :authority as host, once where both say the same. */
function asHttp1(raw: readonly string[]): string[] {
  const fields: string[] = [];
  let authority: string | null = null;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? "";
    const value = raw[at + 1] ?? "";
    if (name === ":authority") {
      authority = value;
      fields.push("host", value);
    } else if (!name.startsWith(":") && !(name === "host" && value === authority)) {
      fields.push(name, value);
    }
  }
  return fields;
}

/** RFC 9113 §6.5.2: each field counts 32 bytes beside its name and value. */
function listBytes(raw: readonly string[]): number {
  return raw.reduce((sum, text) => sum + text.length, 16 * raw.length);
}

function faultOf(headers: IncomingHttpHeaders): ProblemCode | null {
  if (headers[":scheme"] !== "https") return "request-malformed";
  return headers.expect === undefined || headers.expect === "100-continue"
    ? null
    : "expectation-failed";
}
