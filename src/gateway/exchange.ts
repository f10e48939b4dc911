import type { Readable } from "node:stream";
import type { ProblemCode } from "#core/problem.ts";

/** What the sweep and the events need to know of one request; changed as the request goes on. */
export interface Meter {
  readonly startedMs: number;
  /** Body bytes received from and sent to the client. */
  bytesIn: number;
  bytesOut: number;
  /** 0 until an answer began. */
  status: number;
  /** Whether the answer was handed over whole. */
  ended: boolean;
  /** Since when the body's arrival is waited for; null while it is not. */
  receivingSinceMs: number | null;
  /** Since when written bytes have not been taken; null while they are. */
  blockedSinceMs: number | null;
  /** Why the gateway itself refused, if it did. */
  refusal: ProblemCode | null;
}

export function newMeter(startedMs: number): Meter {
  return {
    startedMs,
    bytesIn: 0,
    bytesOut: 0,
    status: 0,
    ended: false,
    receivingSinceMs: null,
    blockedSinceMs: null,
    refusal: null,
  };
}

/** Whether, after such a refusal, there is no telling where the next request of a connection begins. */
export function losesFraming(refusal: ProblemCode | null): boolean {
  return refusal === "request-malformed" || refusal === "headers-too-large";
}

/** Lets the parts that share an exchange hear of its end, and the sweep end it. */
export class Watch {
  #whenClosed: (() => void)[] = [];
  #whenOverdue: (() => void) | null = null;
  #reset: (() => void) | null = null;

  /** Called once, when the answer has ended or either side broke off. */
  onClose(closed: () => void): void {
    this.#whenClosed.push(closed);
  }

  closed(): void {
    const told = this.#whenClosed;
    this.#whenClosed = [];
    for (const tell of told) tell();
  }

  /** Says how an exchange ends whose body comes too slowly; without it, it is cut. */
  onOverdue(end: () => void): void {
    this.#whenOverdue = end;
  }

  /** Says how the whole connection is broken off. */
  onReset(reset: () => void): void {
    this.#reset = reset;
  }

  /** Breaks the connection off: what was written and has not left is thrown away. False when nobody said how. */
  reset(): boolean {
    this.#reset?.();
    return this.#reset !== null;
  }

  /** False when nobody said how to end it. */
  overdue(): boolean {
    this.#whenOverdue?.();
    return this.#whenOverdue !== null;
  }
}

/** One request and its answer, alike for HTTP/1.1 and HTTP/2. */
export interface Exchange {
  readonly protocol: "http/1.1" | "h2";
  readonly method: string;
  readonly target: string;
  /** Names and values by turns, as they came; :authority stands as host. */
  readonly rawHeaders: readonly string[];
  /** What the protocol's own reader found wrong, or null. */
  readonly fault: ProblemCode | null;
  readonly meter: Meter;
  readonly watch: Watch;

  /** Whether body bytes may follow the header. */
  readonly bodyFollows: boolean;
  /** The body as it arrives. Nobody but `openBody` and the exchange itself reads it. */
  readonly source: Readable;
  /** Tells a client that waits with its body to send it (RFC 9110 §10.1.1). */
  sendContinue(): void;

  /** Sends status and header fields (names and values by turns). Once; throws when a field is unfit. */
  begin(status: number, headers: readonly string[]): void;
  /** False when the client is slow: wait for `onDrain`. */
  write(chunk: Buffer): boolean;
  /** Called once by the next drain. */
  onDrain(resume: () => void): void;
  /** Ends the answer, in one write when `chunk` is all of it. */
  end(chunk?: Buffer): void;
  /** Breaks off, so that a client cannot take half an answer for a whole one. */
  cut(): void;
}
