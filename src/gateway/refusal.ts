import { meaningOf, operationOutcome, problemDetails, type Problem } from "#core/problem.ts";
import type { Exchange } from "./exchange.ts";
import { noStore, requestIdHeader, type HeaderPolicy } from "./response-headers.ts";

export interface Refusal {
  readonly problem: Problem;
  /** Further header fields, names and values by turns: allow, retry-after. */
  readonly headers?: readonly string[];
}

export interface RefusalForm {
  readonly policy: HeaderPolicy;
  readonly requestId: string;
  /** The Accept header, where it was read. */
  readonly accept: string;
}

const fhirPath = /^\/fhir(?:[/?]|$)/;

/**
 * Answers a problem in the form that the caller reads: OperationOutcome below /fhir, a plain page
 * for a person at a browser, problem details (RFC 9457) for all others.
 */
export function answerRefusal(exchange: Exchange, refusal: Refusal, form: RefusalForm): void {
  const { problem, headers = [] } = refusal;
  exchange.meter.refusal = problem.code;
  const { status } = meaningOf(problem.code);
  const { type, text, page } = represent(exchange.target, problem, form.accept);
  const body = Buffer.from(text);
  exchange.begin(status, [
    ...(page ? form.policy.page : form.policy.data),
    ...noStore,
    requestIdHeader,
    form.requestId,
    ...headers,
    "content-type",
    type,
    "content-length",
    String(body.length),
  ]);
  if (exchange.method === "HEAD") exchange.end();
  else exchange.end(body);
}

function represent(target: string, problem: Problem, accept: string) {
  if (fhirPath.test(target)) {
    const text = JSON.stringify(operationOutcome(problem));
    return { type: "application/fhir+json; charset=utf-8", text, page: false };
  }
  if (accept.includes("text/html"))
    return { type: "text/html; charset=utf-8", text: pageOf(problem), page: true };
  const text = JSON.stringify(problemDetails(problem));
  return { type: "application/problem+json", text, page: false };
}

/** Holds nothing but our own words: `detail` may tell of what was sent, so it stays out. */
function pageOf(problem: Problem): string {
  const { status, text } = meaningOf(problem.code);
  const advice =
    problem.code === "portal-missing"
      ? "<p>Run <code>npm run build</code> on the server, then load this page again.</p>"
      : '<p><a href="/">Go to the start page</a></p>';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${status}: Phylax</title>
<h1>${text}</h1>
${advice}
</html>
`;
}

/** An answer for a request that could not even be read: complete HTTP/1.1 bytes. */
export function rawRefusal(problem: Problem, policy: HeaderPolicy): string {
  const { status } = meaningOf(problem.code);
  const body = JSON.stringify(problemDetails(problem));
  const headers = [
    ...policy.data,
    ...noStore,
    "content-type",
    "application/problem+json",
    "content-length",
    String(Buffer.byteLength(body)),
    "connection",
    "close",
  ];
  const lines = headers.flatMap((name, at) =>
    at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ""}\r\n`] : [],
  );
  return `HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n${body}`;
}
