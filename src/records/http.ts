import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  meaningOf,
  operationOutcome,
  problemDetails,
  refuse,
  type Problem,
} from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

export const httpLimits = {
  /** How long a caller whose body is too large may go on sending before it is cut off. */
  lingerMs: 2_000,
  /** How long a body may take to arrive. */
  bodyMs: 30_000,
  formBytes: 64 * 1024,
} as const;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export const fhirJson = "application/fhir+json; charset=utf-8";

/** A FHIR answer; `headers` add to the type and to no-store, which every answer has. */
export function fhirAnswer(
  status: number,
  body: string | null,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { "content-type": fhirJson, ...headers }, body };
}

/** An answer of our own, not of FHIR. */
export const jsonAnswer = (value: unknown): Answer => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

// RFC 9449 §7.1: the challenge names the scheme, why, and the algorithms a proof may use.
function challengeOf({ code }: Problem): string {
  const algs = `algs="ES256 EdDSA"`;
  if (code === "token-missing") return `DPoP ${algs}`;
  const isProof = code === "proof-invalid" || code === "proof-replayed";
  return `DPoP error="${isProof ? "invalid_dpop_proof" : "invalid_token"}", ${algs}`;
}

/** What a stranger is told of a problem: OperationOutcome under /fhir, RFC 9457 elsewhere. */
export function problemAnswer(problem: Problem, isFhir: boolean): Answer {
  const { status } = meaningOf(problem.code);
  const challenge = status === 401 ? { "www-authenticate": challengeOf(problem) } : {};
  const retry = status === 503 ? { "retry-after": "1" } : {};
  const type = isFhir ? fhirJson : "application/problem+json";
  const body = JSON.stringify(isFhir ? operationOutcome(problem) : problemDetails(problem));
  return { status, headers: { "content-type": type, ...challenge, ...retry }, body };
}

function headersOf({ headers, body }: Answer): Record<string, string | number> {
  const length = body === null ? 0 : Buffer.byteLength(body);
  return { ...headers, "content-length": length, "cache-control": "no-store" };
}

/** Sends the answer whole. A HEAD gets the headers of the GET. */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  // Node itself reads a small body to its end; one that is too large is not worth the wait.
  if (answer.status === 413 && !request.complete) {
    sendAndHangUp(request, response, answer);
    return;
  }
  response.writeHead(answer.status, headersOf(answer));
  response.end(request.method === "HEAD" ? null : answer.body);
}

/**
 * Answers while the caller is still sending. Ending at once would reset the connection, and many
 * callers would never read why; so what still comes is thrown away for a moment.
 */
function sendAndHangUp(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...headersOf(answer), connection: "close" });
  response.write(answer.body ?? "");
  const done = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(() => request.socket.destroy(), httpLimits.lingerMs);
  timer.unref();
  request.once("end", done).once("close", done).resume();
}

/**
 * Reads a body of at most `maxBytes`. Fails as "body-too-large" without reading on, or as
 * "json-broken" when the caller went away or was too slow.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Result<Buffer>> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return refuse("body-too-large");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (result: Result<Buffer>): void => {
      clearTimeout(timer);
      request.off("data", take).off("end", finish).off("error", fail).off("close", fail);
      request.pause();
      resolve(result);
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) settle(refuse("body-too-large"));
      else chunks.push(chunk);
    };
    const finish = (): void => settle(ok(Buffer.concat(chunks)));
    const fail = (): void => settle(refuse("json-broken", { detail: "The body did not arrive." }));
    const timer = setTimeout(fail, httpLimits.bodyMs);
    request.on("data", take).once("end", finish).once("error", fail).once("close", fail);
  });
}

/** The text of a body; fails as "json-broken" when it is not UTF-8 (RFC 8259 §8.1). */
export function textOf(body: Buffer): Result<string> {
  return isUtf8(body)
    ? ok(body.toString("utf8"))
    : refuse("json-broken", { detail: "The body is not UTF-8." });
}

const jsonTypes = new Set(["application/fhir+json", "application/json"]);
const formTypes = new Set(["application/x-www-form-urlencoded"]);

/** Fails as "media-type-unsupported" unless the body is of the kind that this place takes. */
export function checkMediaType(request: IncomingMessage, kind: "json" | "form"): Result<null> {
  const [type = "", ...parameters] = (request.headers["content-type"] ?? "").split(";");
  const accepted = kind === "json" ? jsonTypes : formTypes;
  const charset = parameters.map((text) => text.trim().toLowerCase());
  const isUtf = charset.every(
    (text) => !text.startsWith("charset=") || /^charset="?utf-8"?$/.test(text),
  );
  return accepted.has(type.trim().toLowerCase()) && isUtf
    ? ok(null)
    : refuse("media-type-unsupported", { at: "Content-Type" });
}

/** Whether the caller takes JSON (FHIR R4 §3.1.0.6); only a list that rules it out is refused. */
export function acceptsJson(request: IncomingMessage): boolean {
  const { accept } = request.headers;
  return (
    accept === undefined || accept.trim() === "" || /json|\*\/\*|application\/\*/i.test(accept)
  );
}

/** Reads a form of parameters, as POST _search sends them; fails like a body does. */
export async function readForm(request: IncomingMessage): Promise<Result<URLSearchParams>> {
  const typed = checkMediaType(request, "form");
  if (!typed.ok) return typed;
  const body = await readBody(request, httpLimits.formBytes);
  if (!body.ok) return body;
  const text = textOf(body.value);
  return text.ok ? ok(new URLSearchParams(text.value)) : text;
}
