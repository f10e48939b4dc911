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
  proof(method: string, url: string, accessToken?: string): string;
}

export function makeProofKey(): ProofKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const header = base64url(
    JSON.stringify({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } }),
  );
  return {
    proof: (method, url, accessToken) => {
      const ath =
        accessToken === undefined
          ? {}
          : { ath: base64url(createHash("sha256").update(accessToken).digest()) };
      const [htu = url] = url.split("?");
      const claims = {
        jti: randomUUID(),
        htm: method,
        htu,
        iat: Math.floor(Date.now() / 1_000),
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

/** Signs in by password and one-time code, then trades the code for a DPoP-bound token. */
export async function signIn(
  visitor: Visitor,
  persona: PrintedSignIn,
  scope = "openid fhirUser patient/*.rs user/*.rs",
): Promise<SignedIn> {
  const { origin } = visitor;
  const verifier = base64url(randomBytes(32));
  const query = new URLSearchParams({
    client_id: "phylax-portal",
    response_type: "code",
    redirect_uri: `${origin}/callback`,
    scope,
    code_challenge: base64url(createHash("sha256").update(verifier).digest()),
    code_challenge_method: "S256",
    resource: `${origin}/fhir`,
    state: "s",
  });
  const begun = await visitor.ask("GET", `/oauth/authorize?${query.toString()}`);
  const interaction = String(begun.headers["location"]);
  assert.match(interaction, /\/sign-in\//, begun.text);
  const path = new URL(interaction, origin).pathname;
  const step = parsed(
    await visitor.ask("POST", `${path}/password`, {
      headers: json,
      body: JSON.stringify({ login: persona.login, password: persona.password }),
    }),
  );
  assert.deepEqual(step, { next: "totp" });
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
  const key = makeProofKey();
  const grant = new URLSearchParams({
    grant_type: "authorization_code",
    code: granted,
    redirect_uri: `${origin}/callback`,
    client_id: "phylax-portal",
    code_verifier: verifier,
    resource: `${origin}/fhir`,
  });
  const tokens = parsed(
    await visitor.ask("POST", "/oauth/token", {
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        // As a browser does, also towards the origin it came from.
        origin,
        dpop: key.proof("POST", `${origin}/oauth/token`),
      },
      body: grant.toString(),
    }),
  );
  return signedInWith(visitor, tokens, key);
}

/** Trades the refresh token for new tokens, as an app does when the old ones end. */
export async function renew(visitor: Visitor, { key, refreshToken }: SignedIn): Promise<SignedIn> {
  assert.ok(refreshToken !== null, "a refresh token was given");
  const { origin } = visitor;
  const grant = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: "phylax-portal",
    refresh_token: refreshToken,
  });
  const answer = await visitor.ask("POST", "/oauth/token", {
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      origin,
      dpop: key.proof("POST", `${origin}/oauth/token`),
    },
    body: grant.toString(),
  });
  return signedInWith(visitor, parsed(answer), key);
}

function signedInWith(
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
