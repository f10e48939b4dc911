import type { StepUp } from "#core/policy-request.ts";
import { failed } from "#core/result.ts";

/**
 * Every expected failure of the product, by its stable code. `status` is what HTTP answers,
 * `issue` is the FHIR R4 IssueType of the OperationOutcome, `text` is what a stranger may read.
 */
const problems = {
  "json-broken": { status: 400, issue: "structure", text: "The body is not valid JSON." },
  "json-too-deep": { status: 400, issue: "too-costly", text: "The JSON is nested too deeply." },
  "json-duplicate-key": {
    status: 400,
    issue: "structure",
    text: "A JSON object names one key twice.",
  },
  "body-too-large": {
    status: 413,
    issue: "too-long",
    text: "The body is larger than is accepted.",
  },
  "media-type-unsupported": {
    status: 415,
    issue: "not-supported",
    text: "This media type is not accepted here.",
  },
  "not-acceptable": {
    status: 406,
    issue: "not-supported",
    text: "No representation of the kind asked for exists.",
  },
  "resource-type-unknown": {
    status: 404,
    issue: "not-supported",
    text: "This resource type is not supported.",
  },
  "resource-type-mismatch": {
    status: 400,
    issue: "invalid",
    text: "The resourceType is not the one that the address names.",
  },
  "resource-invalid": {
    status: 422,
    issue: "invariant",
    text: "The resource does not follow FHIR R4.",
  },
  "resource-id-mismatch": {
    status: 400,
    issue: "invalid",
    text: "The id in the resource is not the one in the address.",
  },
  "reference-missing": {
    status: 422,
    issue: "not-found",
    text: "A reference points to something that does not exist.",
  },
  "compartment-unclear": {
    status: 422,
    issue: "business-rule",
    text: "It cannot be told whose record this belongs to.",
  },
  "parameter-unknown": {
    status: 400,
    issue: "not-supported",
    text: "This search parameter is not supported.",
  },
  "parameter-invalid": {
    status: 400,
    issue: "invalid",
    text: "A parameter has a value that cannot be used.",
  },
  "multiple-matches": {
    status: 412,
    issue: "multiple-matches",
    text: "The condition fits more than one resource; narrow it.",
  },
  "chart-merged": {
    status: 409,
    issue: "business-rule",
    text: "A chart that this is about is merged with another. Part them first.",
  },
  "patch-refused": {
    status: 422,
    issue: "processing",
    text: "The patch cannot be applied to this resource.",
  },
  "too-costly": {
    status: 422,
    issue: "too-costly",
    text: "This asks for more than one request may do; narrow it.",
  },
  "package-refused": {
    status: 422,
    issue: "invalid",
    text: "This is not a FHIR package that can be installed.",
  },
  "record-shredded": {
    status: 410,
    issue: "deleted",
    text: "This record was destroyed for good: its key is gone.",
  },
  "key-brake": {
    status: 503,
    issue: "throttled",
    text: "Too many patients' keys were asked for in a short time. An operator was told.",
  },
  "key-work-running": {
    status: 409,
    issue: "conflict",
    text: "Another change of keys is under way; wait until it has ended.",
  },
  "fips-unavailable": {
    status: 503,
    issue: "exception",
    text: "FIPS mode was asked for, and no validated module is in use.",
  },
  "escrow-refused": {
    status: 422,
    issue: "security",
    text: "The escrow does not open with these shares, or was altered.",
  },
  "not-found": { status: 404, issue: "not-found", text: "There is nothing here." },
  gone: { status: 410, issue: "deleted", text: "This resource was deleted." },
  "method-not-allowed": {
    status: 405,
    issue: "not-supported",
    text: "This method is not supported here.",
  },
  "version-conflict": {
    status: 412,
    issue: "conflict",
    text: "The resource was changed meanwhile.",
  },
  "edit-conflict": {
    status: 409,
    issue: "conflict",
    text: "Another change won; read again and retry.",
  },
  "token-missing": { status: 401, issue: "login", text: "Sign in first." },
  "token-invalid": { status: 401, issue: "login", text: "The access token is not valid." },
  "token-expired": { status: 401, issue: "expired", text: "The access token has expired." },
  "proof-invalid": {
    status: 401,
    issue: "login",
    text: "The proof that the token's key is yours is not valid.",
  },
  "proof-replayed": { status: 401, issue: "login", text: "This proof was used before." },
  "session-ended": { status: 401, issue: "expired", text: "The session has ended. Sign in again." },
  "sign-in-expired": {
    status: 410,
    issue: "expired",
    text: "This sign-in took too long or was finished already. Start again.",
  },
  "sign-in-failed": { status: 401, issue: "login", text: "The sign-in did not match." },
  "outside-unavailable": {
    status: 502,
    issue: "transient",
    text: "The other sign-in service does not answer. Try again, or sign in another way.",
  },
  "outside-refused": {
    status: 401,
    issue: "login",
    text: "The answer of the other sign-in service was not accepted.",
  },
  "outside-not-linked": {
    status: 403,
    issue: "forbidden",
    text: "This sign-in is not linked to an account here yet.",
  },
  "outside-not-assured": {
    status: 403,
    issue: "forbidden",
    text: "The other sign-in service did not ask for a second factor.",
  },
  "passkey-refused": { status: 401, issue: "login", text: "This passkey was not accepted." },
  "enrolment-link-refused": {
    status: 410,
    issue: "expired",
    text: "This sign-up link was used already or is too old.",
  },
  forbidden: { status: 403, issue: "forbidden", text: "You may not do this." },
  "step-up-needed": {
    status: 403,
    issue: "login",
    text: "Sign in once more: this needs a sign-in of the last 5 minutes.",
  },
  "sign-in-insufficient": {
    status: 401,
    issue: "login",
    text: "This needs a stronger or more recent sign-in. Confirm that it is you, then try again.",
  },
  "last-factor": {
    status: 409,
    issue: "business-rule",
    text: "This is the only way left to sign in. Add another one first.",
  },
  "enrolled-already": {
    status: 409,
    issue: "business-rule",
    text: "This person can sign in already. Who lost all she signs in with gets back by a recovery.",
  },
  "limit-reached": {
    status: 409,
    issue: "business-rule",
    text: "There are as many of these as there may be. Remove one first.",
  },
  "recovery-refused": {
    status: 410,
    issue: "expired",
    text: "This recovery is not open: it was used, called off, is too old, or never was.",
  },
  "recovery-waiting": {
    status: 409,
    issue: "business-rule",
    text: "The waiting time of this recovery is not over yet.",
  },
  "rate-limited": {
    status: 429,
    issue: "throttled",
    text: "Too many requests. Try again a little later.",
  },
  "key-unavailable": {
    status: 503,
    issue: "transient",
    text: "The key service does not answer; nothing was read or written.",
  },
  "root-key-refused": {
    status: 503,
    issue: "security",
    text: "The root key does not open; check its file and passphrase.",
  },
  "key-ring-refused": {
    status: 503,
    issue: "security",
    text: "The key ring does not open; it may be damaged or belong to another root key.",
  },
  "audit-unavailable": {
    status: 503,
    issue: "transient",
    text: "The audit log cannot be written; nothing was read or written.",
  },
  "policy-unavailable": {
    status: 503,
    issue: "transient",
    text: "The policy cannot be decided; nothing was read or written.",
  },
  "session-state-stale": {
    status: 503,
    issue: "transient",
    text: "The state of sessions is not known at the moment.",
  },
  "storage-unavailable": {
    status: 503,
    issue: "transient",
    text: "The database does not answer; nothing was read or written.",
  },
  "storage-full": { status: 507, issue: "no-store", text: "There is no room left to store this." },
  "record-damaged": {
    status: 500,
    issue: "exception",
    text: "A stored record does not open; it may have been altered.",
  },
  "upstream-unavailable": {
    status: 502,
    issue: "transient",
    text: "A part of the system does not answer.",
  },
  "upstream-refused": {
    status: 502,
    issue: "exception",
    text: "The FHIR server behind this one gave an answer that cannot be used; nothing was shown.",
  },
  "upstream-unsupported": {
    status: 501,
    issue: "not-supported",
    text: "This is not offered here, in front of another FHIR server.",
  },
  "already-running": {
    status: 409,
    issue: "conflict",
    text: "Another Phylax runs on this home.",
  },
  "home-refused": {
    status: 500,
    issue: "exception",
    text: "The deployment's folder cannot be used.",
  },
  "upstream-too-slow": {
    status: 504,
    issue: "timeout",
    text: "A part of the system did not answer in time.",
  },
  "request-malformed": {
    status: 400,
    issue: "structure",
    text: "The request is not well formed.",
  },
  "request-too-slow": {
    status: 408,
    issue: "timeout",
    text: "The request did not arrive in time.",
  },
  "url-too-long": { status: 414, issue: "too-long", text: "The address is too long." },
  "expectation-failed": {
    status: 417,
    issue: "not-supported",
    text: "What the Expect header asks for cannot be met.",
  },
  misdirected: {
    status: 421,
    issue: "not-supported",
    text: "This server does not answer for the host that was asked for.",
  },
  "headers-too-large": {
    status: 431,
    issue: "too-long",
    text: "The header fields are larger than is accepted.",
  },
  overloaded: {
    status: 503,
    issue: "throttled",
    text: "Too much is going on at the moment. Try again a little later.",
  },
  "portal-missing": {
    status: 503,
    issue: "transient",
    text: "The portal's pages have not been built.",
  },
  "port-busy": {
    status: 503,
    issue: "exception",
    text: "The port cannot be listened on.",
  },
  unexpected: { status: 500, issue: "exception", text: "Something went wrong on our side." },
} as const satisfies Record<string, { status: number; issue: string; text: string }>;

export type ProblemCode = keyof typeof problems;

/**
 * What went wrong, fit for the person who asked: `detail` never holds PHI, tokens or keys.
 * `at` names the element (FHIRPath such as `Patient.birthDate`), parameter or header.
 */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly at?: string;
  /** After how long it may be tried again, where that is known. */
  readonly retryAfterSeconds?: number;
  /** What a sign-in must have to be enough, where it is not. */
  readonly needs?: StepUp;
  /** Further findings of the same check, e.g. each invalid element of one resource. */
  readonly also?: readonly { readonly at: string; readonly detail: string }[];
}

export interface ProblemMeaning {
  readonly status: number;
  readonly issue: string;
  readonly text: string;
}

export function problem(code: ProblemCode, about: Omit<Problem, "code"> = {}): Problem {
  return { code, ...about };
}

/** A failed Result with the problem of this code. */
export function refuse(
  code: ProblemCode,
  about: Omit<Problem, "code"> = {},
): { readonly ok: false; readonly problem: Problem } {
  return failed(problem(code, about));
}

export function meaningOf(code: ProblemCode): ProblemMeaning {
  return problems[code];
}

export interface OperationOutcome {
  readonly resourceType: "OperationOutcome";
  readonly issue: readonly {
    readonly severity: "error" | "warning" | "information";
    readonly code: string;
    readonly details: {
      readonly coding: readonly [{ readonly system: string; readonly code: string }];
      readonly text: string;
    };
    readonly diagnostics?: string;
    readonly expression?: readonly string[];
  }[];
}

/** The code system of our stable problem codes. */
export const problemSystem = "urn:phylax:problem";

/** FHIR R4 OperationOutcome for a problem; each finding names its element as `expression`. */
export function operationOutcome(found: Problem): OperationOutcome {
  const meaning = meaningOf(found.code);
  const details = {
    coding: [{ system: problemSystem, code: found.code }] as const,
    text: meaning.text,
  };
  const first = {
    severity: "error" as const,
    code: meaning.issue,
    details,
    ...(found.detail === undefined ? {} : { diagnostics: found.detail }),
    ...(found.at === undefined ? {} : { expression: [found.at] }),
  };
  const others = (found.also ?? []).map((finding) => ({
    severity: "error" as const,
    code: meaning.issue,
    details,
    diagnostics: finding.detail,
    expression: [finding.at],
  }));
  return { resourceType: "OperationOutcome", issue: [first, ...others] };
}

/** RFC 9457 problem details, for everything that is not FHIR. */
export function problemDetails(found: Problem): Record<string, unknown> {
  const meaning = meaningOf(found.code);
  return {
    type: `${problemSystem}:${found.code}`,
    title: meaning.text,
    status: meaning.status,
    ...(found.detail === undefined ? {} : { detail: found.detail }),
    ...(found.at === undefined ? {} : { at: found.at }),
  };
}

/** Null when no problem of ours has this code. */
export function parseProblemCode(text: string): ProblemCode | null {
  return Object.hasOwn(problems, text) ? (text as ProblemCode) : null;
}
