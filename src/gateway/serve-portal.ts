import type { RouteTarget } from "#core/routes.ts";
import type { Admission } from "./admit.ts";
import type { Exchange } from "./exchange.ts";
import { chooseBody, type Portal, type PortalFile } from "./portal.ts";
import { requestIdHeader, type HeaderPolicy } from "./response-headers.ts";

export interface ServePortalOptions {
  readonly policy: HeaderPolicy;
  readonly requestId: string;
}

/** What the builder names by a hash of its content never changes under that name. */
const hashedName = /^\/assets\/[^/]*-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/;
const foreverSeconds = 31_536_000;

/** The file for an admitted path; every page is the same index.html. Null when there is no such file. */
export function portalFile(portal: Portal, to: RouteTarget, path: string): PortalFile | null {
  return to === "portal-page" ? portal.page : (portal.files.get(path) ?? null);
}

/** Sends one file, or 304 when the client has it (RFC 9110 §13.1.2). */
export function servePortal(
  exchange: Exchange,
  file: PortalFile,
  { target, headers }: Admission,
  { policy, requestId }: ServePortalOptions,
): void {
  const { encoding, bytes, etag } = chooseBody(file, headers.acceptEncoding);
  const lasting = hashedName.test(target.path);
  const fields = [
    ...policy.page,
    "cache-control",
    lasting ? `public, max-age=${foreverSeconds}, immutable` : "no-store",
    requestIdHeader,
    requestId,
    "vary",
    "accept-encoding",
    "etag",
    etag,
  ];
  if (headers.ifNoneMatch !== null && namesTag(headers.ifNoneMatch, etag)) {
    exchange.begin(304, fields);
    exchange.end();
    return;
  }
  fields.push("content-type", file.type, "content-length", String(bytes.length));
  if (encoding !== null) fields.push("content-encoding", encoding);
  exchange.begin(200, fields);
  if (exchange.method === "HEAD") exchange.end();
  else exchange.end(bytes);
}

function namesTag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === etag || tag === "*");
}
