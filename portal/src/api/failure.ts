import { at, list, text } from "../fhir/json.ts";

/** Why something could not be had. Each kind asks something else of the person. */
export type Failure =
  | { readonly kind: "offline" }
  /** There is no session, or it has ended. */
  | { readonly kind: "signed-out" }
  /** `code` is one of the server's stable problem codes, or "unexpected". */
  | { readonly kind: "problem"; readonly code: string; readonly retryAfterSeconds: number | null };

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

export function done<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function fail(failure: Failure): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure };
}

export function problemFailure(code: string, retryAfterSeconds: number | null = null): Failure {
  return { kind: "problem", code, retryAfterSeconds };
}

const problemSystem = "urn:phylax:problem";
const problemType = `${problemSystem}:`;

/** The stable code in an OperationOutcome or in RFC 9457 problem details; null when there is none. */
export function problemCode(body: unknown): string | null {
  const type = text(at(body, "type"));
  if (type?.startsWith(problemType) === true) return type.slice(problemType.length);
  const codings = list(at(body, "issue")).flatMap((issue) => list(at(issue, "details", "coding")));
  return text(
    at(
      codings.find((coding) => at(coding, "system") === problemSystem),
      "code",
    ),
  );
}

/** RFC 9110 §10.2.3 in its form of seconds. */
export function retryAfter(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : null;
}

const endedCodes = new Set(["session-ended", "token-missing"]);

/** The failure that an answer with an error status stands for. */
export async function failureOf(response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => null);
  const code = problemCode(body) ?? codeOfStatus(response.status);
  if (endedCodes.has(code)) return { kind: "signed-out" };
  return problemFailure(code, retryAfter(response.headers.get("retry-after")));
}

function codeOfStatus(status: number): string {
  switch (status) {
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 429:
      return "rate-limited";
    case 502:
    case 503:
    case 504:
      return "upstream-unavailable";
    default:
      return "unexpected";
  }
}

/** fetch rejects with a TypeError when no answer came at all. */
export function failureOfThrown(thrown: unknown): Failure {
  return thrown instanceof TypeError ? { kind: "offline" } : problemFailure("unexpected");
}
