import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { ProblemCode } from "#core/problem.ts";
import { type Exchange, losesFraming, type Meter, newMeter, Watch } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";

export interface Http1Options {
  readonly limits: GatewayLimits;
  readonly startedMs: number;
  readonly expects: "nothing" | "continue" | "unknown";
  /** Whether this is the last request that the connection may carry. */
  readonly last: boolean;
}

/** HTTP/1.1 as node:http reads it; framing is checked again by readHeaders. */
export class Http1Exchange implements Exchange {
  readonly protocol = "http/1.1";
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly fault: ProblemCode | null;
  readonly meter: Meter;
  readonly watch = new Watch();
  readonly bodyFollows: boolean;
  readonly source: Readable;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: Http1Options;

  constructor(request: IncomingMessage, response: ServerResponse, options: Http1Options) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
    this.method = request.method ?? "";
    this.target = request.url ?? "";
    this.rawHeaders = request.rawHeaders;
    this.fault = faultOf(request, options);
    this.meter = newMeter(options.startedMs);
    // node:http knows where the header says that the message ends; complete without a body.
    this.bodyFollows = hasBody(request.rawHeaders);
    this.source = request;
    response.on("error", () => this.cut());
    response.once("close", () => this.watch.closed());
  }

  sendContinue(): void {
    if (this.#options.expects === "continue") this.#response.writeContinue();
  }

  begin(status: number, headers: readonly string[]): void {
    const lost = this.fault !== null || losesFraming(this.meter.refusal);
    const closes = this.#options.last || lost || !this.#arrived();
    this.meter.status = status;
    this.#response.writeHead(status, closes ? [...headers, "connection", "close"] : [...headers]);
  }

  write(chunk: Buffer): boolean {
    this.meter.bytesOut += chunk.length;
    return this.#response.write(chunk);
  }

  onDrain(resume: () => void): void {
    this.#response.once("drain", resume);
  }

  end(chunk?: Buffer): void {
    if (this.meter.ended) return;
    this.meter.ended = true;
    if (chunk !== undefined) this.meter.bytesOut += chunk.length;
    if (this.#arrived()) {
      this.#response.end(chunk);
      return;
    }
    if (chunk === undefined) this.#response.flushHeaders();
    else this.#response.write(chunk);
    this.#linger();
  }

  cut(): void {
    this.#request.socket.destroy();
  }

  #arrived(): boolean {
    return !this.bodyFollows || this.#request.complete;
  }

  /**
   * Closing a socket on unread bytes resets it, and the client may lose the answer it was sent.
   * So the rest of the body is thrown away for a while before the connection is closed
   * (RFC 9112 §9.6).
   */
  #linger(): void {
    const { lingerBytes, lingerMs } = this.#options.limits;
    const request = this.#request;
    const { socket } = this.#response;
    // Waiting behind an earlier answer, it has no socket yet to linger on.
    if (socket === null) {
      this.#response.end();
      return;
    }
    // Ending the response would close the socket now, so its last chunk is written by hand.
    if (this.#response.chunkedEncoding) socket.write("0\r\n\r\n");
    let thrownAway = 0;
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroySoon();
    };
    request.on("data", (chunk: Buffer) => {
      thrownAway += chunk.length;
      if (thrownAway > lingerBytes) socket.destroy();
    });
    request.once("end", finish);
    request.once("close", finish);
    request.on("error", finish);
    request.resume();
  }
}

function faultOf(request: IncomingMessage, options: Http1Options): ProblemCode | null {
  if (request.httpVersion !== "1.1") return "request-malformed";
  return options.expects === "unknown" ? "expectation-failed" : null;
}

function hasBody(rawHeaders: readonly string[]): boolean {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 14 && name.toLowerCase() === "content-length")
      return rawHeaders[at + 1] !== "0";
    if (name.length === 17 && name.toLowerCase() === "transfer-encoding") return true;
  }
  return false;
}
