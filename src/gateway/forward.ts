import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { errors, type Dispatcher } from "undici";
import { clientFactHeaders, type ClientFacts } from "#core/client-facts.ts";
import type { Problem, ProblemCode } from "#core/problem.ts";
import type { Route } from "#core/routes.ts";
import { acceptedBytes, type Admission } from "./admit.ts";
import { openBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import { answerHeaders, requestIdHeader, type HeaderPolicy } from "./response-headers.ts";
import type { Refusal } from "./refusal.ts";

export interface ForwardOptions {
  readonly upstream: Dispatcher;
  readonly route: Pick<Route, "forApps"> & { readonly to: "identity" | "records" };
  /** The public origin's authority, sent on as Host. */
  readonly authority: string;
  readonly facts: ClientFacts;
  /** Thumbprint of the client's certificate; null when it showed none that is valid. */
  readonly certificate: string | null;
  readonly policy: HeaderPolicy;
  readonly limits: GatewayLimits;
  readonly nowMs: () => number;
  /** Answers for the gateway itself, while no answer has begun. */
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * Sends an admitted request on and streams the answer back, each side waiting for the other.
 * The client gone, the upstream's work is aborted; the upstream gone, the client gets 502 or 504,
 * or a broken answer where one had begun.
 */
export function forward(exchange: Exchange, admission: Admission, options: ForwardOptions): void {
  const { method, target } = exchange;
  const relay = new Relay(exchange, options);
  const body = admission.hasBody ? relay.openBody(admission) : null;
  options.upstream.dispatch(
    {
      path: target,
      method,
      headers: requestHeaders(admission, options),
      body,
      headersTimeout: options.limits.upstreamHeaderMs,
      bodyTimeout: options.limits.upstreamBodyMs,
    },
    relay,
  );
}

function requestHeaders(admission: Admission, options: ForwardOptions): string[] {
  const { passed, browser } = admission.headers;
  const { facts, certificate, authority, route } = options;
  const headers = route.to === "identity" ? [...passed, ...browser] : [...passed];
  headers.push("host", authority);
  headers.push(clientFactHeaders.address, facts.address);
  headers.push(clientFactHeaders.zone, facts.zone);
  headers.push(clientFactHeaders.requestId, facts.requestId);
  if (certificate !== null) headers.push(clientFactHeaders.certificate, certificate);
  return headers;
}

class ClientGone extends Error {
  override readonly name = "ClientGone";
}

type Controller = Dispatcher.DispatchController;

/** Carries one answer from an upstream to its client. */
class Relay implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #options: ForwardOptions;
  #controller: Controller | null = null;
  #body: Readable | null = null;
  #begun = false;
  #over = false;
  /** Bytes of the answer still to come, where its length was told. */
  #left: number | null = null;

  constructor(exchange: Exchange, options: ForwardOptions) {
    this.#exchange = exchange;
    this.#options = options;
    exchange.watch.onClose(() => this.#stop());
    exchange.watch.onOverdue(() => this.#fail({ code: "request-too-slow" }));
  }

  openBody(admission: Admission): Readable {
    const { route } = admission.entry;
    const tooLarge: Problem = { code: "body-too-large", detail: acceptedBytes(route) };
    this.#body = openBody(this.#exchange, {
      maxBytes: route.bodyBytes,
      nowMs: this.#options.nowMs,
      onTooLarge: () => this.#fail(tooLarge),
    });
    return this.#body;
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new ClientGone());
  }

  onResponseStart(_controller: Controller, status: number, sent: IncomingHttpHeaders): void {
    // Interim answers (1xx) are between us and the upstream.
    if (status < 200 || this.#over) return;
    const { policy, route, facts } = this.#options;
    const headers = answerHeaders(policy, route, sent);
    headers.push(requestIdHeader, facts.requestId);
    this.#left = lengthOf(sent);
    this.#exchange.begin(status, headers);
    this.#begun = true;
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#over) return;
    // Known to be the last piece, it goes out together with the end: one write, often one packet.
    if (this.#left !== null && (this.#left -= chunk.length) <= 0) {
      this.#end(chunk);
      return;
    }
    if (this.#exchange.write(chunk)) return;
    const { meter } = this.#exchange;
    controller.pause();
    meter.blockedSinceMs = this.#options.nowMs();
    this.#exchange.onDrain(() => {
      meter.blockedSinceMs = null;
      controller.resume();
    });
  }

  onResponseEnd(): void {
    if (!this.#over) this.#end();
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#fail({ code: codeOf(error) });
  }

  #end(lastPiece?: Buffer): void {
    this.#over = true;
    // Answered before the body was whole: nobody wants the rest.
    this.#body?.destroy();
    this.#exchange.end(lastPiece);
  }

  /** Ends the exchange with a problem while that can still be told, and with a break otherwise. */
  #fail(problem: Problem): void {
    if (this.#over) return;
    this.#stop();
    if (this.#begun) this.#exchange.cut();
    else this.#options.refuse({ problem });
  }

  #stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(new ClientGone());
    this.#body?.destroy();
  }
}

function lengthOf(sent: IncomingHttpHeaders): number | null {
  const length = sent["content-length"];
  return length === undefined ? null : Number(length);
}

/** Nothing of the upstream's own error reaches the client. */
function codeOf(error: Error): ProblemCode {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
    return "upstream-too-slow";
  // undici checks what it is to send more narrowly than the parsers in front: the client's fault.
  return error instanceof errors.InvalidArgumentError
    ? "request-malformed"
    : "upstream-unavailable";
}
