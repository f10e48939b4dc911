import { limits } from "#core/limits.ts";
import type { Route } from "#core/routes.ts";

const kibibyte = 1024;

// Budgets are for one address, behind which a whole clinic may sit; those of steps in which
// something is guessed (passwords, codes, enrolment tokens) are far smaller.
const readingsPerMinute = 12_000;
const writingsPerMinute = 3_000;
const pagesPerMinute = 3_000;
const signInsPerMinute = 300;
const guessesPerMinute = 60;
const registrationsPerMinute = 10;

const page = (path: string, query: readonly string[] = []): Route => ({
  methods: ["GET", "HEAD"],
  path,
  to: "portal-page",
  bodyBytes: 0,
  query,
  perMinute: pagesPerMinute,
});

const asset = (path: string): Route => ({ ...page(path), to: "portal-asset" });

const read = (path: string, to: "identity" | "records", query: Route["query"] = []): Route => ({
  methods: ["GET"],
  path,
  to,
  bodyBytes: 0,
  query,
  perMinute: readingsPerMinute,
});

const signIn = (path: string, perMinute = signInsPerMinute): Route => ({
  methods: ["POST"],
  path,
  to: "identity",
  bodyBytes: 64 * kibibyte,
  query: [],
  perMinute,
});

/** What a person sees and does about her own account. */
const own = (methods: Route["methods"], tail: string): Route => ({
  methods,
  path: `/api/identity/account${tail}`,
  to: "identity",
  bodyBytes: methods.some((method) => method !== "GET" && method !== "DELETE") ? 64 * kibibyte : 0,
  query: [],
  perMinute: signInsPerMinute,
});

/** What an administrator sees and does about other people's accounts. */
const administration = (methods: Route["methods"], tail: string): Route => ({
  ...own(methods, ""),
  path: `/api/identity/admin${tail}`,
});

const write = (methods: Route["methods"], path: string, query: Route["query"]): Route => ({
  methods,
  path,
  to: "records",
  bodyBytes: limits.bodyBytes,
  query,
  perMinute: writingsPerMinute,
});

/** RFC 6749 §4.1.2 and §4.1.2.1, RFC 9207, and OpenID Connect Session Management. */
const authorizationAnswer = ["code", "state", "iss", "error", "error_description", "session_state"];

/** The FHIR API and what an app signs in by: see `forApps` of core/routes.ts. */
const isForApps = ({ path }: Route): boolean =>
  path.startsWith("/fhir") ||
  path.startsWith("/.well-known/") ||
  ["/oauth/jwks", "/oauth/par", "/oauth/token", "/oauth/revoke"].includes(path);

const declared: readonly Route[] = [
  page("/"),
  page("/sign-in/:uid"),
  page("/consent/:uid"),
  page("/enrol"),
  page("/invitation"),
  page("/kiosk"),
  page("/recovery"),
  page("/callback", authorizationAnswer),
  page("/home"),
  page("/record"),
  page("/record/:section"),
  page("/access"),
  page("/download"),
  page("/requests"),
  page("/register"),
  page("/emergencies"),
  page("/duplicates"),
  page("/account"),
  page("/account/:section"),
  page("/administration"),
  page("/administration/:section"),
  page("/administration/people/:id"),
  page("/patients"),
  page("/patients/:id"),
  page("/patients/:id/:section"),
  asset("/assets/:file"),
  asset("/favicon.svg"),
  asset("/manifest.webmanifest"),
  asset("/worker.js"),
  asset("/offline.html"),
  asset("/offline.css"),

  read("/.well-known/openid-configuration", "identity"),
  read("/.well-known/oauth-authorization-server", "identity"),
  read("/.well-known/smart-configuration", "identity"),
  // SMART App Launch 2.2 §4: apps look for it under the FHIR base.
  read("/fhir/.well-known/smart-configuration", "identity"),
  read("/oauth/jwks", "identity"),
  // RFC 6749 §3.1: unrecognised request parameters must be ignored, so none is refused here.
  { ...read("/oauth/authorize", "identity", "any"), perMinute: signInsPerMinute },
  { ...signIn("/oauth/authorize"), query: "any" },
  { ...read("/oauth/authorize/:uid", "identity"), perMinute: signInsPerMinute },
  { ...signIn("/oauth/par"), bodyBytes: 16 * kibibyte },
  { ...signIn("/oauth/token"), bodyBytes: 16 * kibibyte, perMinute: writingsPerMinute },
  { ...signIn("/oauth/revoke"), bodyBytes: 16 * kibibyte, perMinute: writingsPerMinute },
  { ...signIn("/oauth/introspect"), bodyBytes: 16 * kibibyte, perMinute: writingsPerMinute },
  { ...signIn("/oauth/register"), perMinute: registrationsPerMinute },
  { ...read("/oauth/end-session", "identity", "any"), perMinute: signInsPerMinute },
  read("/sign-in/:uid/state", "identity"),
  signIn("/sign-in/:uid/passkey/options"),
  signIn("/sign-in/:uid/passkey/verify"),
  signIn("/sign-in/:uid/password", guessesPerMinute),
  signIn("/sign-in/:uid/totp", guessesPerMinute),
  signIn("/sign-in/:uid/outside/begin"),
  signIn("/sign-in/:uid/outside/finish"),
  // OpenID Connect Core §3.1.2.5: whatever else the other house's answer holds is to be ignored.
  { ...read("/sign-in-with/:provider/callback", "identity", "any"), perMinute: signInsPerMinute },
  read("/consent/:uid/offer", "identity"),
  signIn("/consent/:uid/answer"),
  signIn("/api/identity/enrol/begin", guessesPerMinute),
  signIn("/api/identity/enrol/finish", guessesPerMinute),
  signIn("/api/identity/device-posture", writingsPerMinute),
  signIn("/api/identity/offline-lease"),
  signIn("/api/identity/kiosk/set-up", guessesPerMinute),
  signIn("/api/identity/kiosk/begin", guessesPerMinute),
  signIn("/api/identity/kiosk/end"),
  read("/api/identity/kiosks", "identity"),
  signIn("/api/identity/kiosk-tickets"),
  administration(["POST"], "/kiosks"),
  administration(["DELETE"], "/kiosks/:id"),
  read("/api/identity/admin/apps", "identity"),
  signIn("/api/identity/admin/apps"),
  signIn("/api/identity/admin/apps/:id/approve"),
  signIn("/api/identity/admin/apps/:id/revoke"),
  signIn("/api/identity/invitation/redeem", guessesPerMinute),
  read("/api/identity/me", "identity"),
  signIn("/api/identity/sign-out"),
  own(["PATCH"], ""),
  own(["GET", "POST"], "/passkeys"),
  own(["POST"], "/passkeys/options"),
  own(["PATCH", "DELETE"], "/passkeys/:id"),
  own(["GET"], "/sessions"),
  own(["DELETE"], "/sessions/:id"),
  own(["POST"], "/sign-out-everywhere"),
  own(["PUT"], "/device"),
  own(["GET"], "/devices"),
  own(["PATCH", "DELETE"], "/devices/:id"),
  own(["POST"], "/devices/:id/lost"),
  own(["POST"], "/devices/:id/certificate"),
  own(["GET"], "/offline-leases"),
  own(["POST", "DELETE"], "/offline-leases/:id"),
  own(["POST"], "/offline-leases/:id/renew"),
  own(["GET", "POST"], "/second-device"),
  own(["POST"], "/second-device/:id/confirm"),
  own(["DELETE"], "/second-device/:id"),
  own(["GET", "POST"], "/recovery-codes"),
  own(["GET"], "/recovery"),
  own(["DELETE"], "/recovery/:id"),
  own(["GET"], "/notices"),
  signIn("/api/identity/admin/people/:id/recovery"),
  signIn("/api/identity/recovery/begin", guessesPerMinute),
  signIn("/api/identity/recovery/status", guessesPerMinute),
  signIn("/api/identity/recovery/finish", guessesPerMinute),
  own(["GET"], "/apps"),
  own(["DELETE"], "/apps/:id"),
  own(["GET"], "/launchable-apps"),
  own(["POST"], "/launches"),
  own(["GET", "POST"], "/proxies"),
  own(["POST"], "/proxies/accept"),
  own(["DELETE"], "/proxies/:id"),
  administration(["POST"], "/people"),
  administration(["POST"], "/people/search"),
  administration(["GET", "PATCH"], "/people/:id"),
  administration(["POST"], "/people/:id/leave"),
  administration(["POST"], "/people/:id/invitation"),
  administration(["POST"], "/people/:id/seal"),
  administration(["POST"], "/people/:id/grants"),
  administration(["DELETE"], "/grants/:id"),
  administration(["POST"], "/devices/search"),
  administration(["GET"], "/devices/:id"),
  administration(["POST"], "/devices/:id/lost"),
  administration(["POST"], "/devices/:id/enrol"),

  // R4 §3.1.0: what stands in `:type` and `:id` may also be `_history` or an operation's `$name`,
  // and a condition (§3.1.0.8) in place of an id is any search. Records reads which it is.
  read("/fhir/metadata", "records", "any"),
  write(["POST"], "/fhir", ["_format", "_pretty"]),
  // Clients that put a slash behind every base send their Bundles here.
  write(["POST"], "/fhir/", ["_format", "_pretty"]),
  read("/fhir/:type", "records", "any"),
  write(["POST", "PUT", "PATCH"], "/fhir/:type", "any"),
  { ...write(["DELETE"], "/fhir/:type", "any"), bodyBytes: 0 },
  { ...write(["POST"], "/fhir/:type/_search", "any"), bodyBytes: 64 * kibibyte },
  read("/fhir/:type/:id", "records", "any"),
  write(["POST"], "/fhir/:type/:id", "any"),
  write(["PUT", "PATCH"], "/fhir/:type/:id", ["_format", "_pretty"]),
  {
    ...write(["DELETE"], "/fhir/:type/:id", ["_format", "_pretty"]),
    bodyBytes: 0,
  },
  read("/fhir/:type/:id/_history", "records", ["_format", "_pretty", "_count", "_since", "_at"]),
  read("/fhir/:type/:id/_history/:vid", "records", ["_format", "_pretty"]),
  read("/fhir/:type/:id/:name", "records", "any"),
  write(["POST"], "/fhir/:type/:id/:name", "any"),
  read("/api/records/access-log", "records", ["patient", "before"]),
  read("/api/records/possible-duplicates", "records", ["after"]),
  read("/api/records/chart-decisions", "records"),
  { ...write(["POST"], "/api/records/chart-decisions", []), bodyBytes: 16 * kibibyte },
  read("/api/records/access-requests", "records", ["patient"]),
  { ...write(["POST"], "/api/records/access-requests", []), bodyBytes: 64 * kibibyte },
  { ...write(["POST"], "/api/records/access-requests/:id", []), bodyBytes: 64 * kibibyte },
  read("/api/records/break-glass", "records", ["patient"]),
  { ...write(["POST"], "/api/records/break-glass", []), bodyBytes: 16 * kibibyte },
  { ...write(["POST"], "/api/records/break-glass/:id", []), bodyBytes: 16 * kibibyte },
  { ...write(["POST"], "/api/records/exports", []), bodyBytes: 4 * kibibyte },
  read("/api/records/exports/:id", "records"),
  read("/api/records/log", "records"),
];

/** Everything that can be asked of Phylax from outside. */
export const routes: readonly Route[] = declared.map((route) =>
  isForApps(route) ? { ...route, forApps: true } : route,
);
