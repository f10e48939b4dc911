import assert from "node:assert/strict";
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign,
  type KeyObject,
} from "node:crypto";
import { TOTP } from "otpauth";
import { Agent, request } from "undici";
import type { PrintedSignIn } from "./deployment.ts";

const base64url = (bytes: Buffer | string): string => Buffer.from(bytes).toString("base64url");

/** A P-256 key as a browser would hold it, and the proofs it makes (RFC 9449). */
export interface ProofKey {
  /** `atSeconds`, since 1970, is now when left out. */
  proof(method: string, url: string, accessToken?: string, atSeconds?: number): string;
}

export function makeProofKey(): ProofKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const header = base64url(
    JSON.stringify({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } }),
  );
  return {
    proof: (method, url, accessToken, atSeconds = Math.floor(Date.now() / 1_000)) => {
      const ath =
        accessToken === undefined
          ? {}
          : { ath: base64url(createHash("sha256").update(accessToken).digest()) };
      const [htu = url] = url.split("?");
      const claims = {
        jti: randomUUID(),
        htm: method,
        htu,
        iat: atSeconds,
        ...ath,
      };
      const text = `${header}.${base64url(JSON.stringify(claims))}`;
      return `${text}.${base64url(signEs256(text, privateKey))}`;
    },
  };
}

function signEs256(text: string, key: KeyObject): Buffer {
  return sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A browser's network side without its pages: cookies, and one authority that is trusted. */
export interface Visitor {
  readonly origin: string;
  /** Cookies by name, as they stand now. */
  readonly cookies: Map<string, string>;
  ask(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    options?: { headers?: Record<string, string>; body?: string | Buffer },
  ): Promise<Answer>;
  close(): Promise<void>;
}

export function openVisitor(origin: string, authority: string): Visitor {
  const agent = new Agent({ connect: { ca: authority }, connections: 16 });
  const cookies = new Map<string, string>();
  return {
    origin,
    cookies,
    ask: async (method, path, { headers = {}, body } = {}) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await request(path.startsWith("https:") ? path : `${origin}${path}`, {
        method,
        dispatcher: agent,
        body: body ?? null,
        headers: { ...(cookie === "" ? {} : { cookie }), ...headers },
      });
      const set = answer.headers["set-cookie"] ?? [];
      for (const line of Array.isArray(set) ? set : [set]) {
        const found = /^([^=]+)=([^;]*)/.exec(line);
        if (found?.[1] !== undefined) cookies.set(found[1], found[2] ?? "");
      }
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
    },
    close: () => agent.close(),
  };
}

export interface SignedIn {
  readonly token: string;
  readonly key: ProofKey;
  readonly refreshToken: string | null;
  /** Asks with the token and a fresh proof. */
  ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: string): Promise<Answer>;
}

const json = { "content-type": "application/json" };

function parsed(answer: Answer): Record<string, unknown> {
  assert.ok(answer.status < 300, `${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text) as Record<string, unknown>;
}

/** A sign-in page that the authorization endpoint led to, and what only the app that asked knows. */
export interface OpenedSignIn {
  /** `/sign-in/UID`. */
  readonly path: string;
  readonly verifier: string;
}

const portal = "phylax-portal";
const defaultScope = "openid fhirUser patient/*.rs user/*.rs";

/** Address of an authorization request of the portal's; `change` replaces parameters, "" leaves one out. */
export function authorizePath(
  origin: string,
  verifier: string,
  change: Readonly<Record<string, string>> = {},
): string {
  const parameters = {
    client_id: portal,
    response_type: "code",
    redirect_uri: `${origin}/callback`,
    scope: defaultScope,
    code_challenge: base64url(createHash("sha256").update(verifier).digest()),
    code_challenge_method: "S256",
    resource: `${origin}/fhir`,
    state: "s",
    ...change,
  };
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  return `/oauth/authorize?${new URLSearchParams(given).toString()}`;
}

export const makeVerifier = (): string => base64url(randomBytes(32));

/** Goes to the authorization endpoint and on to the sign-in page. */
export async function openSignIn(
  visitor: Visitor,
  change: Readonly<Record<string, string>> = {},
): Promise<OpenedSignIn> {
  const { origin } = visitor;
  const verifier = makeVerifier();
  const begun = await visitor.ask("GET", authorizePath(origin, verifier, change));
  const interaction = String(begun.headers["location"]);
  assert.match(interaction, /\/sign-in\//, begun.text);
  return { path: new URL(interaction, origin).pathname, verifier };
}

/** The password step of a sign-in page. */
export const givePassword = (
  visitor: Visitor,
  path: string,
  { login, password }: Pick<PrintedSignIn, "login" | "password">,
): Promise<Answer> =>
  visitor.ask("POST", `${path}/password`, {
    headers: json,
    body: JSON.stringify({ login, password }),
  });

/** Password and one-time code, then on to the app: the code that comes back to it. */
export async function getCode(
  visitor: Visitor,
  persona: PrintedSignIn,
  { path }: OpenedSignIn,
): Promise<string> {
  const { origin } = visitor;
  assert.deepEqual(parsed(await givePassword(visitor, path, persona)), { next: "totp" });
  const code = new TOTP({ secret: persona.totpSeed }).generate();
  const last = parsed(
    await visitor.ask("POST", `${path}/totp`, { headers: json, body: JSON.stringify({ code }) }),
  );
  const back = await visitor.ask("GET", String(last["redirectTo"]));
  const granted = new URL(String(back.headers["location"]), origin).searchParams.get("code");
  assert.ok(
    granted !== null,
    `no code came back: ${String(back.headers["location"])} ${back.text}`,
  );
  return granted;
}

/** Asks the token endpoint as the portal does, with a proof of this key unless another is given. */
export function askForToken(
  visitor: Visitor,
  key: ProofKey,
  grant: Readonly<Record<string, string>>,
  proof = key.proof("POST", `${visitor.origin}/oauth/token`),
): Promise<Answer> {
  return visitor.ask("POST", "/oauth/token", {
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      // As a browser does, also towards the origin it came from.
      origin: visitor.origin,
      dpop: proof,
    },
    body: new URLSearchParams({ client_id: portal, ...grant }).toString(),
  });
}

/** The grant that trades a code for tokens. */
export const codeGrant = (origin: string, code: string, verifier: string) => ({
  grant_type: "authorization_code",
  code,
  redirect_uri: `${origin}/callback`,
  code_verifier: verifier,
  resource: `${origin}/fhir`,
});

/** Signs in by password and one-time code, then trades the code for a DPoP-bound token. */
export async function signIn(
  visitor: Visitor,
  persona: PrintedSignIn,
  scope = defaultScope,
): Promise<SignedIn> {
  const opened = await openSignIn(visitor, { scope });
  return exchangeCode(visitor, opened, await getCode(visitor, persona, opened));
}

/** Trades the code that a sign-in came back with for a DPoP-bound token. */
export async function exchangeCode(
  visitor: Visitor,
  opened: OpenedSignIn,
  code: string,
): Promise<SignedIn> {
  const key = makeProofKey();
  const grant = codeGrant(visitor.origin, code, opened.verifier);
  return signedInWith(visitor, parsed(await askForToken(visitor, key, grant)), key);
}

/** Trades the refresh token for new tokens, as an app does when the old ones end. */
export async function renew(visitor: Visitor, { key, refreshToken }: SignedIn): Promise<SignedIn> {
  assert.ok(refreshToken !== null, "a refresh token was given");
  const grant = { grant_type: "refresh_token", refresh_token: refreshToken };
  const answer = await askForToken(visitor, key, grant);
  return signedInWith(visitor, parsed(answer), key);
}

export function signedInWith(
  visitor: Visitor,
  { access_token: access, refresh_token: refresh }: Record<string, unknown>,
  key: ProofKey,
): SignedIn {
  const token = String(access);
  return {
    token,
    key,
    refreshToken: typeof refresh === "string" ? refresh : null,
    ask: (method, target, body) =>
      visitor.ask(method, target, {
        headers: {
          authorization: `DPoP ${token}`,
          dpop: key.proof(method, `${visitor.origin}${target}`, token),
          ...(body === undefined ? {} : { "content-type": "application/fhir+json" }),
        },
        ...(body === undefined ? {} : { body }),
      }),
  };
}
