import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** As the platform's own; handed in so that a test can stand for the outside. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface FetchKeysDeps {
  readonly fetch: Fetch;
  /** Whether the operator lets this very address lie in their own network. */
  readonly isOwnNetwork: (url: string) => Promise<boolean>;
}

// The parser of URLs has brought each way to write an address into one of these.
const address = /^(?:\d+\.\d+\.\d+\.\d+|\[.*\])$/;

function checked(text: string): Result<URL> {
  const url = URL.parse(text);
  return url?.protocol === "https:" ? ok(url) : refuse("request-malformed");
}

/**
 * How the OpenID provider fetches a client's keys: by https alone and following no redirect, as one
 * could lead elsewhere. The library's dispatcher cuts each connection to an address that is not of
 * the public internet; it is left out only where the operator allows it for that address. Throws
 * TypeError when the address may not be asked.
 */
export function createFetchKeys({ fetch, isOwnNetwork }: FetchKeysDeps): Fetch {
  return async (input, options = {}) => {
    const url = typeof input === "string" || input instanceof URL ? String(input) : input.url;
    const target = checked(url);
    if (!target.ok) throw new TypeError("keys are fetched by https alone");
    const isOurs = await isOwnNetwork(url);
    if (!isOurs && address.test(target.value.hostname))
      throw new TypeError("keys are fetched from hosts that have a name");
    const { dispatcher, ...plain }: RequestInit & { dispatcher?: unknown } = options;
    // Without its guard nothing would keep us from asking inside the operator's network.
    if (!isOurs && dispatcher === undefined) throw new TypeError("the guard is missing");
    return fetch(target.value, { ...(isOurs ? plain : options), redirect: "error" });
  };
}
