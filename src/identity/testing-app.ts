import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { isRecord, parsePublicJwk, thumbprintOf } from "#core/jws.ts";
import { createBrowser, pathOf, type TestBrowser } from "#identity/testing-browser.ts";
import { origin, type TestIdentity } from "#identity/testing.ts";

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** Claims or header fields to set in a proof otherwise right; undefined leaves one out. */
export type ProofChange = Readonly<Record<string, unknown>>;

/** The DPoP key of an app, and proofs made with it. */
export interface ProofKey {
  readonly jkt: string;
  proof(method: string, path: string, change?: ProofChange): string;
}

export function createProofKey(): ProofKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = parsePublicJwk(createPublicKey(privateKey).export({ format: "jwk" }));
  if (jwk === null) throw new Error("no public key");
  return {
    jkt: thumbprintOf(jwk),
    proof: (method, path, change = {}) => {
      const { token, ...claims } = change;
      const payload = {
        jti: randomUUID(),
        htm: method,
        htu: `${origin}${path}`,
        iat: Math.floor(Date.now() / 1_000),
        ...(typeof token === "string" ? { ath: sha256(token) } : {}),
        ...claims,
      };
      const signed = `${base64url({ typ: "dpop+jwt", alg: "ES256", jwk })}.${base64url(payload)}`;
      const signature = sign("sha256", Buffer.from(signed), {
        key: privateKey,
        dsaEncoding: "ieee-p1363",
      });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export const verifier = "a-code-verifier-that-is-long-enough-for-rfc-7636-section-4.1";

export const authorizeParameters = {
  client_id: "phylax-portal",
  response_type: "code",
  redirect_uri: `${origin}/callback`,
  scope: "openid fhirUser patient/*.rs user/*.rs",
  resource: `${origin}/fhir`,
  state: "a-state",
  code_challenge: sha256(verifier),
  code_challenge_method: "S256",
} as const;

export const authorizePath = (change: Readonly<Record<string, string>> = {}): string => {
  const parameters = Object.entries({ ...authorizeParameters, ...change });
  const given = parameters.filter(([, value]) => value !== "");
  return `/oauth/authorize?${new URLSearchParams(given).toString()}`;
};

/** How the person proves herself on the sign-in page; answers the last response of it. */
export type ProveSelf = (browser: TestBrowser, uid: string) => Promise<Response>;

/** The portal in a browser. */
export interface TestApp {
  readonly browser: TestBrowser;
  readonly key: ProofKey;
  /** Goes to the authorization endpoint and says which sign-in page it led to. */
  open(change?: Readonly<Record<string, string>>): Promise<string>;
  /** From the authorization endpoint through the sign-in to the answer at the redirect address. */
  signIn(prove: ProveSelf, change?: Readonly<Record<string, string>>): Promise<URLSearchParams>;
  /** Asks without showing a page: what comes to the redirect address. */
  silently(): Promise<URLSearchParams>;
  exchange(code: string, change?: Readonly<Record<string, string>>): Promise<Response>;
  refresh(token: string, key?: ProofKey): Promise<Response>;
  /** A request with access token and proof. */
  call(method: string, path: string, token: string, change?: ProofChange): Promise<Response>;
}

export async function readJson(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = await response.json();
  if (!isRecord(value)) throw new Error("not an object");
  return value;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export async function readTokens(response: Response): Promise<Tokens> {
  const body = await readJson(response);
  if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(body)}`);
  return {
    access: text(body["access_token"]),
    refresh: text(body["refresh_token"]),
    id: text(body["id_token"]),
    body,
  };
}

export function createApp(identity: TestIdentity, browser = createBrowser(identity)): TestApp {
  const key = createProofKey();
  const open: TestApp["open"] = async (change) => {
    const response = await browser.get(authorizePath(change));
    const uid = /^\/sign-in\/([A-Za-z0-9_-]+)$/.exec(response.headers.get("location") ?? "")?.[1];
    if (uid === undefined)
      throw new Error(`${response.status} ${response.headers.get("location")}`);
    return uid;
  };
  const answerAt = (response: Response): URLSearchParams => {
    const location = new URL(response.headers.get("location") ?? "");
    if (location.href.split("?")[0] !== `${origin}/callback`) throw new Error(location.href);
    return location.searchParams;
  };
  return {
    browser,
    key,
    open,
    signIn: async (prove, change) => {
      const last = await prove(browser, await open(change));
      const step = await readJson(last);
      if (step["next"] !== "redirect") throw new Error(JSON.stringify(step));
      return answerAt(await browser.get(pathOf(text(step["redirectTo"]))));
    },
    silently: async () => answerAt(await browser.get(authorizePath({ prompt: "none" }))),
    exchange: (code, change = {}) =>
      browser.postForm(
        "/oauth/token",
        {
          grant_type: "authorization_code",
          client_id: "phylax-portal",
          redirect_uri: `${origin}/callback`,
          code_verifier: verifier,
          code,
          ...change,
        },
        { dpop: key.proof("POST", "/oauth/token") },
      ),
    refresh: (token, by = key) =>
      browser.postForm(
        "/oauth/token",
        { grant_type: "refresh_token", client_id: "phylax-portal", refresh_token: token },
        { dpop: by.proof("POST", "/oauth/token") },
      ),
    call: (method, path, token, change = {}) =>
      identity.send(path, {
        method,
        headers: {
          authorization: `DPoP ${token}`,
          dpop: key.proof(method, path, { token, ...change }),
        },
      }),
  };
}

export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(
    Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"),
  );
  if (!isRecord(value)) throw new Error("no claims");
  return value;
}
