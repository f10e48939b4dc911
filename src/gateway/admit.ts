import { refuse, type Problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import type { Route } from "#core/routes.ts";
import type { Exchange } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Refusal } from "./refusal.ts";
import { readHeaders, type RequestHeaders } from "./request-headers.ts";
import type { RouteEntry, RouteTable } from "./route-table.ts";
import { parseTarget, queryNames, type Target } from "./target.ts";

/** A request that the route table lets in; its body is not yet read. */
export interface Admission {
  readonly entry: RouteEntry;
  readonly target: Target;
  readonly headers: RequestHeaders;
  readonly hasBody: boolean;
}

export interface AdmitOptions {
  readonly table: RouteTable;
  readonly authorities: ReadonlySet<string>;
  readonly limits: GatewayLimits;
}

/** A refusal also says how far the request was understood, for the answer's form and the count. */
export interface NotAdmitted extends Refusal {
  readonly route: string | null;
  readonly accept: string;
}

/**
 * Decides by the header alone whether a request may go on: form, host, route, method, query, and
 * the length of the body where it is told. Nothing has been read of the body.
 */
export function admit(exchange: Exchange, options: AdmitOptions): Result<Admission, NotAdmitted> {
  const { table, authorities, limits } = options;
  if (exchange.fault !== null) return unknown({ code: exchange.fault });
  const headers = readHeaders(exchange.rawHeaders, limits.headerCount);
  if (!headers.ok) return unknown(headers.problem);
  const { accept, host } = headers.value;
  if (host === null || !authorities.has(host.toLowerCase()))
    return unknown(
      { code: host === null ? "request-malformed" : "misdirected", at: "host" },
      accept,
    );
  const target = parseTarget(exchange.target, limits.urlBytes);
  if (!target.ok) return unknown(target.problem, accept);
  const match = table.match(exchange.method, target.value.segments);
  if (match.kind === "unknown") return unknown({ code: "not-found" }, accept);
  if (match.kind === "wrong-method") {
    const headers = ["allow", match.allow];
    return failed({ problem: { code: "method-not-allowed" }, headers, route: null, accept });
  }
  const { entry } = match;
  const fits = fitRoute(exchange, entry.route, target.value, headers.value);
  if (!fits.ok) return failed({ problem: fits.problem, route: entry.route.path, accept });
  return ok({ entry, target: target.value, headers: headers.value, hasBody: fits.value });
}

function unknown(problem: Problem, accept = "") {
  return failed({ problem, route: null, accept });
}

/** Whether query and body are such as the route declares; the value says whether a body follows. */
function fitRoute(
  exchange: Exchange,
  route: Route,
  target: Target,
  headers: RequestHeaders,
): Result<boolean> {
  if (route.query !== "any" && target.query !== "") {
    const { query } = route;
    const undeclared = queryNames(target.query).some((name) => !query.includes(name));
    // The name itself is the client's and might say something of a person.
    if (undeclared)
      return refuse("parameter-unknown", {
        detail: `accepted here: ${query.join(", ") || "none"}`,
      });
  }
  if (headers.length !== null && headers.length > route.bodyBytes)
    return refuse("body-too-large", { detail: acceptedBytes(route) });
  if (exchange.bodyFollows && route.bodyBytes === 0)
    return refuse("body-too-large", { detail: acceptedBytes(route) });
  return ok(exchange.bodyFollows);
}

export function acceptedBytes(route: Route): string {
  return route.bodyBytes === 0 ? "no body is accepted here" : `at most ${route.bodyBytes} bytes`;
}
