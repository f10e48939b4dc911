import type { IncomingHttpHeaders } from "node:http";
import type { Zone } from "#core/audit-entry.ts";
import { zones } from "#core/audit-entry.ts";
import type { RequestId } from "#core/ids.ts";
import { parseRequestId } from "#core/ids.ts";

/** Headers by which the gateway tells what it knows of the caller; stripped when they come from outside. */
export const clientFactHeaders = {
  address: "phylax-client-addr",
  zone: "phylax-zone",
  requestId: "phylax-request-id",
  certificate: "phylax-client-cert",
} as const;

/** Every header of this beginning is ours and never accepted from outside. */
export const ownHeaderPrefix = "phylax-";

export interface ClientFacts {
  readonly address: string;
  readonly zone: Zone;
  readonly requestId: RequestId;
}

const thumbprintForm = /^[A-Za-z0-9_-]{43}$/;

/**
 * Thumbprint (RFC 8705 §3.1, `x5t#S256`) of the client certificate that the gateway checked; null
 * when the client showed none. The caller must have checked that the peer's role is gateway.
 */
export function parseClientCertificate(headers: IncomingHttpHeaders): string | null {
  const sent = headers[clientFactHeaders.certificate];
  return typeof sent === "string" && thumbprintForm.test(sent) ? sent : null;
}

/** Reads the gateway's facts. The caller must have checked that the peer's role is gateway. Null when one is missing or malformed. */
export function parseClientFacts(headers: IncomingHttpHeaders): ClientFacts | null {
  const address = headers[clientFactHeaders.address];
  const zone = zones.find((known) => known === headers[clientFactHeaders.zone]);
  const sent = headers[clientFactHeaders.requestId];
  const requestId = typeof sent === "string" ? parseRequestId(sent) : null;
  if (typeof address !== "string" || zone === undefined || requestId === null) return null;
  return { address, zone, requestId };
}
