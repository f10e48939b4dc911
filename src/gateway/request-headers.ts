import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** What the gateway read in a request's header; only `passed` and `browser` go on to an upstream. */
export interface RequestHeaders {
  /** Host, or :authority. Null when there was none. */
  readonly host: string | null;
  /** Content-Length in bytes, or null when none was sent. */
  readonly length: number | null;
  /** Whether the body comes in chunks of a length not told beforehand. */
  readonly chunked: boolean;
  readonly acceptEncoding: string;
  readonly accept: string;
  readonly ifNoneMatch: string | null;
  readonly authorization: string | null;
  /** Names and values by turns: what any upstream may see. */
  readonly passed: readonly string[];
  /** What only identity may see, as it alone speaks to browsers by cookie. */
  readonly browser: readonly string[];
}

/**
 * Every request header that an upstream gets to see. What is not here is dropped: so are all
 * hop-by-hop fields, forwarded and x-forwarded-*, client-cert and our own phylax-*.
 * accept-encoding is left out: compressing answers that hold both secrets and echoed input tells
 * their content by their length (BREACH).
 */
const passedOn: ReadonlyMap<string, "any" | "browser"> = new Map([
  ["accept", "any"],
  ["accept-language", "any"],
  ["authorization", "any"],
  ["content-type", "any"],
  ["content-length", "any"],
  ["dpop", "any"],
  ["if-match", "any"],
  ["if-none-match", "any"],
  ["if-modified-since", "any"],
  ["if-none-exist", "any"],
  ["prefer", "any"],
  ["range", "any"],
  ["user-agent", "any"],
  // R4 §3.1.0.10 (Provenance of a write) and §2.44.5 (whose record a bare Binary is of).
  ["x-provenance", "any"],
  ["x-security-context", "any"],
  ["cookie", "browser"],
  ["origin", "browser"],
  ["referer", "browser"],
  ["sec-fetch-dest", "browser"],
  ["sec-fetch-mode", "browser"],
  ["sec-fetch-site", "browser"],
  ["sec-fetch-user", "browser"],
]);

/** Fields whose second appearance two programs might read differently; RFC 9449 §4.3 for DPoP. */
const onlyOnce = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "content-type",
  "authorization",
  "dpop",
  "if-match",
  "if-none-match",
  "if-none-exist",
  "x-provenance",
  "x-security-context",
  "origin",
  "expect",
]);

interface Draft {
  host: string | null;
  length: number | null;
  chunked: boolean;
  acceptEncoding: string;
  accept: string;
  ifNoneMatch: string | null;
  authorization: string | null;
  cookies: string[];
  readonly passed: string[];
  readonly browser: string[];
}

const digits = /^[0-9]{1,15}$/;

/**
 * Reads raw header fields (names and values by turns) and refuses what two HTTP programs could
 * frame differently: both lengths, either of them twice, a coding other than chunked, an upgrade
 * (RFC 9112 §6.3, §11.2). Fails with request-malformed,
 * headers-too-large or media-type-unsupported.
 */
export function readHeaders(raw: readonly string[], headerCount: number): Result<RequestHeaders> {
  if (raw.length > headerCount * 2) return refuse("headers-too-large");
  const draft: Draft = {
    host: null,
    length: null,
    chunked: false,
    acceptEncoding: "",
    accept: "",
    ifNoneMatch: null,
    authorization: null,
    cookies: [],
    passed: [],
    browser: [],
  };
  let seen: Set<string> | null = null;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const value = raw[at + 1] ?? "";
    if (onlyOnce.has(name)) {
      if (seen?.has(name) === true) return malformed(name, "it may be sent only once");
      seen = (seen ?? new Set()).add(name);
    }
    if (name === "content-encoding" && value !== "identity")
      return refuse("media-type-unsupported", { at: name, detail: "an encoded body" });
    const fault = take(draft, name, value);
    if (fault !== null) return malformed(name, fault);
    const audience = passedOn.get(name);
    if (audience === undefined || name === "cookie") continue;
    (audience === "any" ? draft.passed : draft.browser).push(name, value);
  }
  if (draft.chunked && draft.length !== null)
    return malformed("transfer-encoding", "content-length was sent beside it");
  // RFC 9113 §8.2.3: HTTP/2 may split the cookie field; it goes on as one.
  if (draft.cookies.length > 0) draft.browser.push("cookie", draft.cookies.join("; "));
  return ok(draft);
}

function malformed(at: string, detail: string) {
  return refuse("request-malformed", { at, detail });
}

function take(draft: Draft, name: string, value: string): string | null {
  switch (name) {
    case "host":
      draft.host = value;
      return null;
    case "content-length":
      if (!digits.test(value)) return "it is not a number of bytes";
      draft.length = Number(value);
      return null;
    case "transfer-encoding":
      if (value.toLowerCase() !== "chunked") return "no coding but chunked is accepted";
      draft.chunked = true;
      return null;
    case "upgrade":
      return "no other protocol is spoken here";
    case "cookie":
      draft.cookies.push(value);
      return null;
    case "accept-encoding":
      draft.acceptEncoding = value;
      return null;
    case "accept":
      draft.accept = value;
      return null;
    case "authorization":
      draft.authorization = value;
      return null;
    case "if-none-match":
      draft.ifNoneMatch = value;
      return null;
    default:
      return null;
  }
}
