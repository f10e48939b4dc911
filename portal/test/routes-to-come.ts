import type { Route } from "../../src/core/routes.ts";

const own = (methods: Route["methods"], tail: string): Route => ({
  methods,
  path: `/api/identity/${tail}`,
  to: "identity",
  bodyBytes: methods.includes("POST") || methods.includes("PATCH") ? 65_536 : 0,
  query: "any",
  perMinute: 3_000,
});

const wanted: readonly Route[] = [
  own(["GET"], "account/recovery"),
  own(["DELETE"], "account/recovery/:id"),
  own(["GET"], "account/launchable-apps"),
  own(["POST"], "account/launches"),
  own(["POST"], "admin/people/search"),
  own(["POST"], "admin/people"),
  own(["GET", "PATCH"], "admin/people/:id"),
  own(["POST"], "admin/people/:id/leave"),
  own(["POST"], "admin/people/:id/invitation"),
  own(["POST"], "admin/people/:id/seal"),
  own(["POST"], "admin/people/:id/recovery"),
  own(["POST"], "admin/people/:id/grants"),
  own(["DELETE"], "admin/grants/:id"),
  own(["GET", "POST"], "admin/apps"),
  own(["POST"], "admin/apps/:id/approve"),
  own(["POST"], "admin/apps/:id/revoke"),
  own(["POST"], "recovery/begin"),
  own(["POST"], "recovery/status"),
  own(["POST"], "recovery/finish"),
  own(["POST"], "invitation/redeem"),
  { ...own(["GET", "HEAD"], ""), path: "/consent/:uid", to: "portal-page" },
  { ...own(["GET"], ""), path: "/consent/:uid/offer" },
  { ...own(["POST"], ""), path: "/consent/:uid/answer" },
  own(["GET", "POST"], "account/recovery-codes"),
  own(["GET"], "account/apps"),
  own(["DELETE"], "account/apps/:id"),
  own(["GET", "POST"], "account/proxies"),
  own(["DELETE"], "account/proxies/:id"),
];

/** Paths that the pages ask for and the gateway does not yet let through. */
export function toCome(routes: readonly Route[]): readonly Route[] {
  const known = new Set(routes.map(({ path }) => path));
  return wanted.filter(({ path }) => !known.has(path));
}
