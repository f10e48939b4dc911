import type { AdmitOptions } from "./admit.ts";
import type { Exchange } from "./exchange.ts";
import { readHeaders } from "./request-headers.ts";
import type { HeaderPolicy } from "./response-headers.ts";
import { noStore } from "./response-headers.ts";
import type { RouteEntry } from "./route-table.ts";
import { parseTarget } from "./target.ts";

const preflightSeconds = 600;

/** What apps on other origins may send beside the headers that need no asking. */
const appHeaders = [
  "accept",
  "authorization",
  "content-type",
  "dpop",
  "if-match",
  "if-modified-since",
  "if-none-exist",
  "if-none-match",
  "prefer",
  "range",
  "x-provenance",
  "x-security-context",
].join(", ");

function askedMethod(raw: readonly string[]): string | null {
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]?.toLowerCase() === "access-control-request-method") return raw[at + 1] ?? null;
  return null;
}

/**
 * The route that a browser asks leave for before an app's page on another origin may call it (Fetch
 * §4.8); null when it is no such question, or about nothing that such pages may call.
 */
export function preflightOf(exchange: Exchange, options: AdmitOptions): RouteEntry | null {
  if (exchange.method !== "OPTIONS" || exchange.fault !== null || exchange.bodyFollows) return null;
  const method = askedMethod(exchange.rawHeaders);
  const headers = readHeaders(exchange.rawHeaders, options.limits.headerCount);
  const target = parseTarget(exchange.target, options.limits.urlBytes);
  if (method === null || !headers.ok || !target.ok) return null;
  const { host } = headers.value;
  if (host === null || !options.authorities.has(host.toLowerCase())) return null;
  const match = options.table.match(method, target.value.segments);
  return match.kind === "found" && match.entry.route.forApps === true ? match.entry : null;
}

/** Gives the leave. No answer says that credentials may come, so a browser sends no cookie of its own accord. */
export function answerPreflight(
  exchange: Exchange,
  { route }: RouteEntry,
  policy: HeaderPolicy,
): void {
  exchange.begin(204, [
    ...policy.data,
    ...noStore,
    "access-control-allow-origin",
    "*",
    "access-control-allow-methods",
    route.methods.join(", "),
    "access-control-allow-headers",
    appHeaders,
    "access-control-max-age",
    String(preflightSeconds),
  ]);
  exchange.end();
}
