import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { deviceLevelAcr } from "#core/access-token.ts";
import type { StepUp } from "#core/policy-request.ts";
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

/**
 * A body of unknown length. The next piece is asked for when the one before has been taken, and none
 * any more when the caller has gone. Throws BrokenOff when it cannot go on.
 */
export type Pieces = AsyncGenerator<string | Buffer, void>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Pieces | null;
}

/** A body that ends before its time, for a reason that the log knows: the connection is cut. */
export class BrokenOff extends Error {
  override readonly name = "BrokenOff";
}

const isPieces = (body: Answer["body"]): body is Pieces =>
  body !== null && typeof body === "object" && !Buffer.isBuffer(body);

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

/** RFC 9470 §3: what the next token must have; a level of devices goes by an `acr` of ours. */
const asksOf = ({ level, maxAgeSeconds }: StepUp): readonly string[] => [
  ...(level === null ? [] : [`acr_values="${deviceLevelAcr(level)}"`]),
  ...(maxAgeSeconds === null ? [] : [`max_age="${maxAgeSeconds}"`]),
];

// RFC 9449 §7.1: the challenge names the scheme, why, and the algorithms a proof may use.
function challengeOf({ code, needs }: Problem): string {
  const algs = `algs="ES256 EdDSA"`;
  if (needs !== undefined)
    return `DPoP error="insufficient_user_authentication", ${[...asksOf(needs), algs].join(", ")}`;
  if (code === "token-missing") return `DPoP ${algs}`;
  const isProof = code === "proof-invalid" || code === "proof-replayed";
  return `DPoP error="${isProof ? "invalid_dpop_proof" : "invalid_token"}", ${algs}`;
}

/** What a stranger is told of a problem: OperationOutcome under /fhir, RFC 9457 elsewhere. */
export function problemAnswer(
  problem: Problem,
  isFhir: boolean,
): Answer & { readonly body: string } {
  const { status } = meaningOf(problem.code);
  const challenge = status === 401 ? { "www-authenticate": challengeOf(problem) } : {};
  const { retryAfterSeconds = status === 503 ? 1 : null } = problem;
  const retry: Record<string, string> =
    retryAfterSeconds === null ? {} : { "retry-after": String(retryAfterSeconds) };
  const type = isFhir ? fhirJson : "application/problem+json";
  const body = JSON.stringify(isFhir ? operationOutcome(problem) : problemDetails(problem));
  return { status, headers: { "content-type": type, ...challenge, ...retry }, body };
}

type WholeAnswer = Answer & { readonly body: string | Buffer | null };

const isWhole = (answer: Answer): answer is WholeAnswer => !isPieces(answer.body);

function headersOf({ headers, body }: WholeAnswer): Record<string, string | number> {
  const length = body === null ? 0 : Buffer.byteLength(body);
  return { ...headers, "content-length": length, "cache-control": "no-store" };
}

/**
 * Sends an answer; one in pieces is awaited to its end, and throws what its pieces throw. A HEAD
 * gets the headers of the GET.
 */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  if (isWhole(answer)) sendWhole(request, response, answer);
  else await sendPieces(request, response, answer);
}

/** What a caller's going away looks like from here. */
const goneCodes = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"]);

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && goneCodes.has(String(error.code));
}

async function sendPieces(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): Promise<void> {
  if (!isPieces(body)) return;
  if (request.method === "HEAD" || response.destroyed) {
    await body.return();
    if (!response.destroyed) response.writeHead(status, headers).end();
    return;
  }
  response.writeHead(status, { ...headers, "cache-control": "no-store" });
  try {
    // Without a length, the end of a body that was cut cannot be taken for its end.
    await pipeline(Readable.from(body, { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if (!(error instanceof BrokenOff) && !isGone(error)) throw error;
  }
}

function sendWhole(request: IncomingMessage, response: ServerResponse, answer: WholeAnswer): void {
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
function sendAndHangUp(
  request: IncomingMessage,
  response: ServerResponse,
  answer: WholeAnswer,
): void {
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
  const lost = refuse("json-broken", { detail: "The body did not arrive." });
  // Gone while the caller was still being identified: no event will tell of it any more.
  if (request.destroyed) return lost;
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
    const fail = (): void => settle(lost);
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
const acceptedTypes = {
  json: jsonTypes,
  form: new Set(["application/x-www-form-urlencoded"]),
  patch: new Set([...jsonTypes, "application/json-patch+json"]),
} as const;

/** The media type of the body, without its parameters. */
export const mediaTypeOf = ({ headers }: IncomingMessage): string =>
  (headers["content-type"] ?? "").split(";", 1).join("").trim().toLowerCase();

/** Fails as "media-type-unsupported" unless the body is of the kind that this place takes. */
export function checkMediaType(
  request: IncomingMessage,
  kind: keyof typeof acceptedTypes,
): Result<null> {
  const [, ...parameters] = (request.headers["content-type"] ?? "").split(";");
  const charset = parameters.map((text) => text.trim().toLowerCase());
  const isUtf = charset.every(
    (text) => !text.startsWith("charset=") || /^charset="?utf-8"?$/.test(text),
  );
  return acceptedTypes[kind].has(mediaTypeOf(request)) && isUtf
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
