const loopbacks: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export const uriCharsMax = 500;

/** A URL without what could hide where it leads: fragment, user name, backslash, control character. */
export function plainUrl(text: string): URL | null {
  if (text.length > uriCharsMax || !/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) return null;
  const url = URL.parse(text);
  if (url === null || text.includes("#")) return null;
  return url.username === "" && url.password === "" ? url : null;
}

/**
 * Whether an app may be answered there: https; http only on the device itself; or, of a public
 * client, a scheme of its own named after a domain (RFC 8252 §7.1 to §7.3). Compared letter by letter
 * later, so a wildcard would only be a letter; it is refused as it is meant otherwise.
 */
export function isRedirectUri(text: string, isPublic: boolean): boolean {
  const url = plainUrl(text);
  if (url === null || text.includes("*")) return false;
  if (url.protocol === "https:") return true;
  if (url.protocol === "http:") return loopbacks.has(url.hostname);
  return isPublic && /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/.test(url.protocol);
}

/** Whether a browser may be sent there to launch the app, or we may fetch its keys from there. */
export function isHttpsUrl(text: string): boolean {
  return plainUrl(text)?.protocol === "https:";
}

/** Apps answered by https alone are web apps; the others are on a device (RFC 8252). */
export function isWebApp(redirectUris: readonly string[]): boolean {
  return redirectUris.every((uri) => uri.startsWith("https:"));
}
