import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider, type Configuration } from "oidc-provider";
import type { TlsIdentity } from "#core/net.ts";
import { testAuthority } from "#gateway/testing.ts";

/** One of the other house's people, and how she proves herself there. */
export interface OutsideStaff {
  readonly sub: string;
  readonly name: string;
  readonly email: string;
  readonly amr?: readonly string[];
  readonly acr?: string;
}

export interface TestProvider {
  readonly issuer: string;
  /** PEM of the authority that signed its certificate. */
  readonly authority: string;
  readonly secret: string;
  /** Paths asked for, in their order. */
  readonly asked: readonly string[];
  /** Who signs in from now on, wherever the form says no other name. */
  staff: OutsideStaff;
  stop(): Promise<void>;
}

export const outsideClient = { id: "phylax-here", secret: "a-secret-between-two-houses" } as const;

function configuration(redirectUri: string, current: () => OutsideStaff): Configuration {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" };
  return {
    clients: [
      {
        client_id: outsideClient.id,
        client_secret: outsideClient.secret,
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["a key for cookies of tests alone"] },
    features: { devInteractions: { enabled: false } },
    acrValues: ["urn:house:one", "urn:house:two"],
    claims: { openid: ["sub", "amr", "acr"], profile: ["name"], email: ["email"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => {
      const { name, email } = current();
      return { accountId: sub, claims: () => ({ sub, name, email }) };
    },
    loadExistingGrant: async ({ oidc }) => {
      const { client, account } = oidc;
      if (client === undefined || account === undefined) return undefined;
      const grant = new oidc.provider.Grant({
        clientId: client.clientId,
        accountId: account.accountId,
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
  };
}

const page = (name: string): string => `<!doctype html><html lang="en"><title>St. Mary</title>
<h1>St. Mary Hospital</h1><form method="post"><button>Go on as ${name}</button></form></html>`;

async function interact(
  provider: Provider,
  staff: OutsideStaff,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/html" }).end(page(staff.name));
    return;
  }
  const { sub, amr, acr } = staff;
  const login = {
    accountId: sub,
    ...(amr === undefined ? {} : { amr: [...amr] }),
    ...(acr === undefined ? {} : { acr }),
  };
  await provider.interactionFinished(request, response, { login });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return port;
}

/** A second OpenID Provider, of another house, over TLS on a port of its own. */
export async function startProvider(
  redirectUri: string,
  first: OutsideStaff,
  tls?: TlsIdentity,
): Promise<TestProvider> {
  const { key, cert, ca } = tls ?? (await (await testAuthority())("localhost"));
  const asked: string[] = [];
  let handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  const server = createServer({ key, cert }, (request, response) => {
    asked.push((request.url ?? "").split("?", 1)[0] ?? "");
    handle(request, response).catch(() => response.destroy());
  });
  const issuer = `https://localhost:${await listen(server)}`;
  const house: TestProvider = {
    issuer,
    authority: ca,
    secret: outsideClient.secret,
    asked,
    staff: first,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const provider = new Provider(
    issuer,
    configuration(redirectUri, () => house.staff),
  );
  const library = provider.callback();
  handle = (request, response) =>
    request.url?.startsWith("/interaction/") === true
      ? interact(provider, house.staff, request, response)
      : library(request, response);
  return house;
}
