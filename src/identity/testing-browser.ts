import type { TestIdentity } from "#identity/testing.ts";

/** A browser as far as cookies and redirects go. */
export interface TestBrowser {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  postJson(path: string, body: unknown): Promise<Response>;
  postForm(
    path: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /** Set-Cookie lines seen, for looking at their attributes. */
  readonly setCookies: readonly string[];
  /** The Cookie header that it would send there. */
  cookies(path: string): string;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

function parseSetCookie(line: string): { name: string; cookie: Cookie } {
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
  const equals = pair.indexOf("=");
  const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? "/";
  return {
    name: `${pair.slice(0, equals)} ${path}`,
    cookie: { value: pair, path },
  };
}

export function createBrowser(identity: TestIdentity): TestBrowser {
  const jar = new Map<string, Cookie>();
  const setCookies: string[] = [];
  const cookiesFor = (path: string): string =>
    [...jar.values()]
      .filter((cookie) => path.split("?", 1)[0]?.startsWith(cookie.path) === true)
      .map(({ value }) => value)
      .join("; ");
  const keep = (response: Response): Response => {
    for (const line of response.headers.getSetCookie()) {
      setCookies.push(line);
      const { name, cookie } = parseSetCookie(line);
      if (/expires=Thu, 01 Jan 1970|max-age=0;/i.test(line)) jar.delete(name);
      else jar.set(name, cookie);
    }
    return response;
  };
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    const cookies = cookiesFor(path);
    if (cookies !== "") headers.set("cookie", cookies);
    return keep(await identity.send(path, { ...init, headers }));
  };
  return {
    setCookies,
    cookies: cookiesFor,
    get: (path, headers = {}) => send(path, { headers: { accept: "text/html", ...headers } }),
    postJson: (path, body) =>
      send(path, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
      }),
    postForm: (path, form, headers = {}) =>
      send(path, {
        method: "POST",
        headers: { accept: "application/json", ...headers },
        body: new URLSearchParams(form),
      }),
  };
}

/** The path and query of an address on our own origin, as a Location header gives it. */
export function pathOf(location: string | null): string {
  const url = new URL(location ?? "", "https://portal.example");
  return `${url.pathname}${url.search}`;
}
