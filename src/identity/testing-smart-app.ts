import { authorizePath, createProofKey, readJson, verifier } from "#identity/testing-app.ts";
import { createBrowser, pathOf, type TestBrowser } from "#identity/testing-browser.ts";
import type { ProveSelf } from "#identity/testing-app.ts";
import type { TestIdentity } from "#identity/testing.ts";

export const appHome = "https://app.example";

export const appWish = {
  kind: "public",
  name: "Growth chart",
  redirectUris: [`${appHome}/back`],
  launchUri: `${appHome}/launch`,
  scopes: [
    "openid",
    "fhirUser",
    "launch",
    "launch/patient",
    "online_access",
    "offline_access",
    "patient/*.rs",
    "user/*.rs",
  ],
} as const;

export async function registerApp(identity: TestIdentity, change: object = {}): Promise<string> {
  const made = await readJson(await identity.operate("/internal/apps", { ...appWish, ...change }));
  const { id } = made;
  if (typeof id !== "string") throw new Error(JSON.stringify(made));
  return id;
}

export interface Chosen {
  readonly scopes?: readonly string[];
  readonly patient?: string | null;
}

/** An app for SMART in a browser, registered as `client`. */
export interface SmartTestApp {
  readonly browser: TestBrowser;
  /** Asks for leave; what page the browser is led to: "/sign-in/…", "/consent/…" or the app's own address. */
  ask(scope: string, change?: Readonly<Record<string, string>>): Promise<URL>;
  /** Signs in on the page that `ask` led to; where the browser is led then. */
  signIn(at: URL, prove: ProveSelf): Promise<URL>;
  offer(at: URL): Promise<Readonly<Record<string, unknown>>>;
  /** Answers the consent page; where the browser is led then. */
  consent(at: URL, answer: unknown): Promise<URL>;
  /** Allows all that is offered. */
  allow(at: URL, chosen?: Chosen): Promise<URL>;
  exchange(code: string, change?: Readonly<Record<string, string>>): Promise<Response>;
  refresh(token: string, change?: Readonly<Record<string, string>>): Promise<Response>;
  /** A request with its access token and a proof of its own key. */
  call(method: string, path: string, token: string): Promise<Response>;
}

const appLocation = (response: Response): URL =>
  new URL(response.headers.get("location") ?? "", "https://portal.example");

const uidOf = (at: URL): string => at.pathname.split("/")[2] ?? "";

export function createSmartApp(
  identity: TestIdentity,
  client: string,
  { browser = createBrowser(identity), dpop = true } = {},
): SmartTestApp {
  const key = createProofKey();
  const proof = (): Readonly<Record<string, string>> =>
    dpop ? { dpop: key.proof("POST", "/oauth/token") } : {};
  const go = async (response: Response): Promise<URL> => {
    const step = await readJson(response);
    const { redirectTo } = step;
    if (typeof redirectTo !== "string") throw new Error(JSON.stringify(step));
    return appLocation(await browser.get(pathOf(redirectTo)));
  };
  const consent: SmartTestApp["consent"] = async (at, answer) =>
    go(await browser.postJson(`/consent/${uidOf(at)}/answer`, answer));
  const offer: SmartTestApp["offer"] = async (at) =>
    readJson(await browser.get(`/consent/${uidOf(at)}/offer`, { accept: "application/json" }));
  const token = (form: Readonly<Record<string, string>>): Promise<Response> =>
    browser.postForm(
      "/oauth/token",
      { client_id: client, ...form },
      { ...proof(), origin: appHome },
    );
  return {
    browser,
    offer,
    consent,
    ask: async (scope, change = {}) => {
      const asked = {
        client_id: client,
        redirect_uri: `${appHome}/back`,
        scope,
        resource: "",
        aud: "https://portal.example/fhir",
        ...change,
      };
      return appLocation(await browser.get(authorizePath(asked)));
    },
    signIn: async (at, prove) => go(await prove(browser, uidOf(at))),
    allow: async (at, { scopes, patient = null } = {}) => {
      const offered = (await offer(at))["scopes"];
      const all = Array.isArray(offered) ? offered.map((one: { scope: string }) => one.scope) : [];
      return consent(at, { allow: true, scopes: scopes ?? all, patient });
    },
    exchange: (code, change = {}) =>
      token({
        grant_type: "authorization_code",
        redirect_uri: `${appHome}/back`,
        code_verifier: verifier,
        code,
        ...change,
      }),
    refresh: (refreshToken, change = {}) =>
      token({ grant_type: "refresh_token", refresh_token: refreshToken, ...change }),
    call: (method, path, access) =>
      identity.send(path, {
        method,
        headers: {
          authorization: `DPoP ${access}`,
          dpop: key.proof(method, path, { token: access }),
        },
      }),
  };
}
