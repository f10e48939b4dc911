import type { Dispatcher } from "undici";
import type { Clock } from "#core/clock.ts";
import { parseRequestId, type RequestId } from "#core/ids.ts";
import type { ProblemCode } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { admit, type Admission } from "./admit.ts";
import type { ClientCertificate } from "./connection.ts";
import type { GatewayEvent } from "./events.ts";
import type { Exchange } from "./exchange.ts";
import { forward } from "./forward.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Portal } from "./portal.ts";
import { answerPreflight, preflightOf } from "./preflight.ts";
import { answerRefusal, type Refusal } from "./refusal.ts";
import type { HeaderPolicy } from "./response-headers.ts";
import type { Revocations } from "./revocations.ts";
import type { RouteEntry, RouteTable } from "./route-table.ts";
import { portalFile, servePortal } from "./serve-portal.ts";
import type { Source } from "./sources.ts";
import type { Tally } from "./tally.ts";

export interface ServiceOptions {
  readonly table: RouteTable;
  readonly upstreams: { readonly identity: Dispatcher; readonly records: Dispatcher };
  readonly portal: () => Portal | null;
  /** Host values that are ours, in lower case; the first is sent on to upstreams. */
  readonly authorities: ReadonlySet<string>;
  readonly policy: HeaderPolicy;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly event: (event: GatewayEvent) => void;
  readonly tally: Tally;
  /** Watches what a person's token was shown for; nobody does when it is left out. */
  readonly guard?: Revocations["guard"];
}

/** Answers one request of an address. False when the address has spent its budget of refusals. */
export type Service = (
  exchange: Exchange,
  source: Source,
  certificate: ClientCertificate | null,
) => boolean;

/** The budget that stands for requests which the gateway itself refuses: the one after the routes'. */
export const refusalBudget = (table: RouteTable): number => table.entries.length;

interface Call {
  readonly exchange: Exchange;
  readonly source: Source;
  readonly requestId: RequestId;
  readonly certificate: ClientCertificate | null;
}

export function createService(options: ServiceOptions): Service {
  const { table, limits, clock, random, event, tally, policy } = options;
  const nowMs = (): number => clock.monotonicMs();
  const [authority = ""] = options.authorities;
  let atOnce = 0;

  return (exchange, source, certificate) => {
    const call: Call = { exchange, source, certificate, requestId: newRequestId(random) };
    atOnce += 1;
    const leave = preflightOf(exchange, options);
    if (leave !== null) return answerLeave(call, leave);
    const admitted = admit(exchange, options);
    const route = admitted.ok ? admitted.value.entry.route.path : admitted.problem.route;
    exchange.watch.onClose(() => {
      atOnce -= 1;
      if (exchange.meter.refusal !== null) tally.add(route, exchange.meter.refusal);
      event(answered(call, route, clock));
    });
    if (!admitted.ok) return refuse(call, admitted.problem, admitted.problem.accept);
    const { accept } = admitted.value.headers;
    if (atOnce > limits.requestsAtOnce) {
      const headers = ["retry-after", "1"];
      return refuse(call, { problem: { code: "overloaded" }, headers }, accept);
    }
    const waitMs = source.take(admitted.value.entry.index, nowMs());
    if (waitMs > 0) {
      const headers = ["retry-after", String(Math.ceil(waitMs / 1000))];
      return refuse(call, { problem: { code: "rate-limited" }, headers }, accept);
    }
    return answer(call, admitted.value);
  };

  function answerLeave({ exchange, source }: Call, entry: RouteEntry): boolean {
    exchange.watch.onClose(() => {
      atOnce -= 1;
    });
    answerPreflight(exchange, entry, policy);
    return source.take(refusalBudget(table), nowMs()) === 0;
  }

  function refuse(
    { exchange, source, requestId }: Call,
    refusal: Refusal,
    accept: string,
  ): boolean {
    answerRefusal(exchange, refusal, { policy, requestId, accept });
    return source.take(refusalBudget(table), nowMs()) === 0;
  }

  function answer(call: Call, admission: Admission): boolean {
    const { exchange, source, requestId } = call;
    const { to, forApps = false } = admission.entry.route;
    const refuseWith = (code: ProblemCode): boolean =>
      refuse(call, { problem: { code } }, admission.headers.accept);
    if (to === "portal-page" || to === "portal-asset") {
      const portal = options.portal();
      if (portal === null) return refuseWith("portal-missing");
      const file = portalFile(portal, to, admission.target.path);
      if (file === null) return refuseWith("not-found");
      servePortal(exchange, file, admission, { policy, requestId });
      return true;
    }
    const { authorization } = admission.headers;
    if (authorization !== null) options.guard?.(exchange, authorization);
    forward(exchange, admission, {
      upstream: options.upstreams[to],
      route: { to, forApps },
      authority,
      facts: { address: source.address, zone: source.zone, requestId },
      certificate: validNow(call.certificate, clock),
      policy,
      limits,
      nowMs,
      refuse: (refusal) =>
        answerRefusal(exchange, refusal, { policy, requestId, accept: admission.headers.accept }),
    });
    return true;
  }
}

/** A connection may outlive the certificate that it was opened with. */
function validNow(certificate: ClientCertificate | null, clock: Clock): string | null {
  return certificate !== null && clock.now() < certificate.endsAtMs ? certificate.thumbprint : null;
}

function newRequestId(random: Random): RequestId {
  const id = parseRequestId(random.uuid());
  invariant(id !== null, "the source of chance gave no uuid");
  return id;
}

const knownMethods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

function answered({ exchange, requestId }: Call, route: string | null, clock: Clock): GatewayEvent {
  const { meter, protocol, method } = exchange;
  return {
    kind: "answered",
    at: clock.now(),
    requestId,
    protocol,
    method: knownMethods.has(method) ? method : "other",
    route,
    status: meter.status,
    whole: meter.ended,
    refusal: meter.refusal,
    ms: clock.monotonicMs() - meter.startedMs,
    bytesIn: meter.bytesIn,
    bytesOut: meter.bytesOut,
  };
}
