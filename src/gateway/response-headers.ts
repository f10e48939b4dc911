import type { IncomingHttpHeaders } from "node:http";
import type { Route } from "#core/routes.ts";

/** The request's id, as clients and our own people name it to each other. */
export const requestIdHeader = "request-id";

export interface HeaderPolicy {
  /** For what a browser shows: the portal's files and identity's pages. */
  readonly page: readonly string[];
  /** For data, which a browser must never show as a page. */
  readonly data: readonly string[];
}

const permissions = [
  "accelerometer=()",
  "autoplay=()",
  "camera=()",
  "display-capture=()",
  "encrypted-media=()",
  "fullscreen=(self)",
  "geolocation=()",
  "gyroscope=()",
  "magnetometer=()",
  "microphone=()",
  "midi=()",
  "payment=()",
  "picture-in-picture=()",
  "publickey-credentials-create=(self)",
  "publickey-credentials-get=(self)",
  "screen-wake-lock=()",
  "usb=()",
  "xr-spatial-tracking=()",
].join(", ");

const pageSources = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
];

const twoYearsSeconds = 63_072_000;

const everywhere = [
  "strict-transport-security",
  `max-age=${twoYearsSeconds}; includeSubDomains`,
  "x-content-type-options",
  "nosniff",
  "referrer-policy",
  "no-referrer",
  "cross-origin-resource-policy",
  "same-origin",
];

/** `trustedTypes` asks browsers to refuse strings where script could enter the page's DOM. */
export function headerPolicy({ trustedTypes }: { readonly trustedTypes: boolean }): HeaderPolicy {
  const sources = trustedTypes
    ? [...pageSources, "require-trusted-types-for 'script'"]
    : pageSources;
  return {
    page: [
      ...everywhere,
      "content-security-policy",
      sources.join("; "),
      "cross-origin-opener-policy",
      "same-origin",
      "cross-origin-embedder-policy",
      "require-corp",
      "permissions-policy",
      permissions,
    ],
    data: [
      ...everywhere,
      "content-security-policy",
      "default-src 'none'; frame-ancestors 'none'; sandbox",
    ],
  };
}

export const noStore = ["cache-control", "no-store"] as const;

/** What of an upstream's answer a client gets to see; set-cookie only from identity. */
const passedBack = new Set([
  "accept-ranges",
  "allow",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "dpop-nonce",
  "etag",
  "last-modified",
  "location",
  "preference-applied",
  "retry-after",
  "www-authenticate",
]);

/** What a page of another origin gets to see beside the body, where it may call at all (Fetch §3.3). */
const forApps = [
  "access-control-allow-origin",
  "*",
  "access-control-expose-headers",
  [
    "content-disposition",
    "content-location",
    "content-range",
    "dpop-nonce",
    "etag",
    "last-modified",
    "location",
    "preference-applied",
    requestIdHeader,
    "retry-after",
    "www-authenticate",
  ].join(", "),
];

/** The headers of an upstream's answer that go on to the client, names and values by turns. */
export function answerHeaders(
  policy: HeaderPolicy,
  route: Pick<Route, "to" | "forApps">,
  sent: IncomingHttpHeaders,
): string[] {
  const { to } = route;
  const headers = [...(to === "records" ? policy.data : policy.page), ...noStore];
  if (route.forApps === true) headers.push(...forApps);
  for (const name in sent) {
    const value = sent[name];
    if (value === undefined || !mayPass(name, to)) continue;
    if (typeof value === "string") headers.push(name, value);
    else for (const one of value) headers.push(name, one);
  }
  return headers;
}

function mayPass(name: string, to: Route["to"]): boolean {
  return passedBack.has(name) || (name === "set-cookie" && to === "identity");
}
