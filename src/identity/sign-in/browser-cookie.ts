import type { IncomingMessage, ServerResponse } from "node:http";
import { identityLimits } from "#identity/limits.ts";

/** `__Host-`, so that no neighbour can set it. */
export type BrowserCookie = "__Host-phylax-outside" | "__Host-phylax-proven";

/** Lax, as an outside provider's answer comes from another site. */
const attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";

/** Binds a way through other pages and back to the browser that began it; null unbinds it. */
export function bindBrowser(
  response: ServerResponse,
  name: BrowserCookie,
  value: string | null,
): void {
  const seconds = value === null ? 0 : identityLimits.interactionMs / 1_000;
  response.appendHeader("set-cookie", `${name}=${value ?? ""}; Max-Age=${seconds}; ${attributes}`);
}

/** What the browser was bound by: 43 letters of base64url. Null when it has no such cookie, or more than one. */
export function boundBrowser({ headers }: IncomingMessage, name: BrowserCookie): string | null {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const found = pairs.filter((pair) => pair.startsWith(`${name}=`));
  const value = found.length === 1 ? (found[0] ?? "").slice(name.length + 1) : "";
  return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null;
}
