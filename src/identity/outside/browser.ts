import type { IncomingMessage, ServerResponse } from "node:http";
import { identityLimits } from "#identity/limits.ts";

/**
 * Binds a way to a provider and back to the browser that began it (RFC 6749 §10.12): else somebody
 * could begin one, have another person end it, and find herself signed in as that person. Lax, as
 * the provider's answer comes from another site; `__Host-`, so that no neighbour can set it.
 */
const name = "__Host-phylax-outside";
const attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";

/** Sets the cookie; null takes it away. */
export function bindBrowser(response: ServerResponse, value: string | null): void {
  const seconds = value === null ? 0 : identityLimits.interactionMs / 1_000;
  response.appendHeader("set-cookie", `${name}=${value ?? ""}; Max-Age=${seconds}; ${attributes}`);
}

/** What the browser was bound by; null when it has no such cookie, or more than one. */
export function boundBrowser({ headers }: IncomingMessage): string | null {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const found = pairs.filter((pair) => pair.startsWith(`${name}=`));
  const value = found.length === 1 ? (found[0] ?? "").slice(name.length + 1) : "";
  return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null;
}
