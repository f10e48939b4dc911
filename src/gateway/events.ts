import type { Instant } from "#core/clock.ts";
import type { ProblemCode } from "#core/problem.ts";

/**
 * What happens at the gateway, for operators. Holds no PHI and nothing that a person sent: no
 * address, query, path parameter or header; a request is found again in the audit log by its id.
 */
export type GatewayEvent =
  | {
      readonly kind: "answered";
      readonly at: Instant;
      readonly requestId: string;
      readonly protocol: "http/1.1" | "h2";
      /** A method of the route table, or "other". */
      readonly method: string;
      /** The route's template such as `/fhir/:type/:id`; null when no route matched. */
      readonly route: string | null;
      /** 0 when the client left before an answer began. */
      readonly status: number;
      /** Whether the client got the whole answer. */
      readonly whole: boolean;
      /** Why the gateway itself refused; null when an upstream or the portal answered. */
      readonly refusal: ProblemCode | null;
      readonly ms: number;
      readonly bytesIn: number;
      readonly bytesOut: number;
    }
  /** Refusals summed up: those of strangers are worth a count, not an entry each. */
  | {
      readonly kind: "refusals";
      readonly from: Instant;
      readonly to: Instant;
      readonly counts: readonly RefusalCount[];
    };

/** Why a connection was ended before it could ask anything. */
export type ConnectionRefusal =
  | "too-many-connections"
  | "too-many-from-address"
  | "handshake-failed"
  | "header-broken"
  | "too-slow"
  | "too-many-at-once"
  | "too-many-resets"
  | "too-many-refusals";

export interface RefusalCount {
  readonly route: string | null;
  readonly reason: ProblemCode | ConnectionRefusal;
  readonly count: number;
}
