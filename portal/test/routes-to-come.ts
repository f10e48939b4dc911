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
