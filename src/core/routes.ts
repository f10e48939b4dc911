import type { ProcessRole } from "#core/roles.ts";

/**
 * The positive route table: what is not declared here does not exist for the gateway.
 * `:name` stands for one path segment of at most 128 characters from A-Z a-z 0-9 - . _ ~ $.
 */
export interface Route {
  readonly methods: readonly Method[];
  readonly path: string;
  readonly to: RouteTarget;
  /** Largest body in bytes; 0 means that a body is refused. */
  readonly bodyBytes: number;
  /** Query names let through; "any" leaves them to the part that answers. */
  readonly query: readonly string[] | "any";
  /** Requests a minute from one address. */
  readonly perMinute: number;
  /**
   * Whether pages of other origins may call it and read the answer. Only where nothing rests on
   * cookies or on where a request comes from: what counts is a token that the page holds itself.
   */
  readonly forApps?: boolean;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
export type RouteTarget =
  | Extract<ProcessRole, "identity" | "records">
  | "portal-page"
  | "portal-asset";
