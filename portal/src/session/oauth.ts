import * as oauth from "oauth4webapi";
import { done, fail, type Outcome } from "../api/failure.ts";
import { grantFailure } from "./grant-failure.ts";
import type { Pending } from "./pending.ts";
import type { Prover } from "./proof.ts";

export interface Tokens {
  readonly access: string;
  readonly refresh: string | null;
  /** On the monotonic clock of the page, ms. */
  readonly endsAtMs: number;
}

/** Whether the person is asked: not at all, if she is not signed in, or in any case. */
export type Asking = "never" | "when-needed" | "anew";

export interface Protocol {
  /** The address to leave for, and what must be kept until the answer comes. */
  begin(wish: { returnTo: string; asking: Asking }): Promise<{ url: string; pending: Pending }>;
  exchange(answer: URL, pending: Pending): Promise<Outcome<Tokens>>;
  readonly refresh: (token: string) => Promise<Outcome<Tokens>>;
  /** The server's answer whatever its status; rejects with a TypeError when none came. */
  request(accessToken: string, wanted: Wanted): Promise<Response>;
}

export interface Wanted {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Path and query on our own origin. */
  readonly path: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** JSON to send. */
  readonly json?: string;
  /** The first byte of the answer's body that is wanted (RFC 9110 §14.2). */
  readonly fromByte?: number;
}

function headersOf({ accept = "application/json", json, fromByte }: Wanted): Headers {
  const headers = new Headers({ accept });
  if (json !== undefined) headers.set("content-type", "application/json");
  if (fromByte !== undefined && fromByte > 0) headers.set("range", `bytes=${fromByte}-`);
  return headers;
}

const ours: oauth.Client = {
  client_id: "phylax-portal",
  token_endpoint_auth_method: "none",
  id_token_signed_response_alg: "ES256",
};
/**
 * OpenID Connect Core §3.1.2.1. A changed passkey needs a sign-in of at most 5 minutes ago; one
 * that is a minute younger leaves time to make the change.
 */
const askings = {
  never: { prompt: "none" },
  "when-needed": {},
  anew: { max_age: "240" },
} as const satisfies Record<Asking, Readonly<Record<string, string>>>;
const scope = "openid fhirUser patient/*.rs user/*.rs";

/** OAuth 2.1 public client: code, PKCE (RFC 7636), DPoP (RFC 9449), resource (RFC 8707). */
export function createProtocol(deps: {
  origin: string;
  prover: Prover;
  monotonicMs: () => number;
}): Protocol {
  const { origin, prover, monotonicMs } = deps;
  const resource = `${origin}/fhir`;
  const redirectUri = `${origin}/callback`;
  // The paths are our own product's; to ask for them would cost a round trip at each page load.
  const server: oauth.AuthorizationServer = {
    issuer: origin,
    authorization_endpoint: `${origin}/oauth/authorize`,
    token_endpoint: `${origin}/oauth/token`,
    authorization_response_iss_parameter_supported: true,
  };

  type Send = (
    client: oauth.Client,
    DPoP: oauth.DPoPHandle,
  ) => Promise<oauth.TokenEndpointResponse>;
  const grant = async (send: Send): Promise<Outcome<Tokens>> => {
    const askedAtMs = monotonicMs();
    try {
      const answer = await prover.attempt((proof, clock) => send({ ...ours, ...clock }, proof));
      const endsAtMs = askedAtMs + (answer.expires_in ?? 0) * 1000;
      return done({ access: answer.access_token, refresh: answer.refresh_token ?? null, endsAtMs });
    } catch (error) {
      return fail(grantFailure(error));
    }
  };
  const options = (DPoP: oauth.DPoPHandle) => ({ DPoP, additionalParameters: { resource } });

  return {
    begin: async ({ returnTo, asking }) => {
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const url = new URL(`${origin}/oauth/authorize`);
      url.search = new URLSearchParams({
        client_id: ours.client_id,
        response_type: "code",
        redirect_uri: redirectUri,
        scope,
        resource,
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        dpop_jkt: await prover.thumbprint(),
        ...askings[asking],
      }).toString();
      return { url: url.href, pending: { state, verifier, returnTo } };
    },
    exchange: (answer, { state, verifier }) =>
      grant(async (client, DPoP) => {
        const checked = oauth.validateAuthResponse(server, client, answer, state);
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          oauth.None(),
          checked,
          redirectUri,
          verifier,
          options(DPoP),
        );
        return oauth.processAuthorizationCodeResponse(server, client, response);
      }),
    refresh: (token) =>
      grant(async (client, DPoP) => {
        const response = await oauth.refreshTokenGrantRequest(
          server,
          client,
          oauth.None(),
          token,
          options(DPoP),
        );
        return oauth.processRefreshTokenResponse(server, client, response);
      }),
    request: (accessToken, wanted) =>
      prover
        .attempt((DPoP) =>
          oauth.protectedResourceRequest(
            accessToken,
            wanted.method,
            new URL(wanted.path, origin),
            headersOf(wanted),
            wanted.json ?? null,
            wanted.signal === undefined ? { DPoP } : { DPoP, signal: wanted.signal },
          ),
        )
        .catch(challenged),
  };
}

function challenged(error: unknown): Response {
  if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
  throw error;
}
