import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";

/**
 * A process of its own: the OpenID provider as it comes out of its box, everything in memory, over
 * plain HTTP. Told the thumbprints of some keys, it tells its port and a refresh token for each.
 */

const clientId = "bare";
const account = "someone";

function bareProvider(issuer: string): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        redirect_uris: ["https://app.example/callback"],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "none",
        dpop_bound_access_tokens: true,
      },
    ],
    features: { dPoP: { enabled: true }, devInteractions: { enabled: false } },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    rotateRefreshToken: true,
  });
}

async function refreshTokens(provider: Provider, jkts: readonly string[]): Promise<string[]> {
  const client = await provider.Client.find(clientId);
  if (client === undefined) throw new Error("the client is there");
  const scope = "openid offline_access";
  return Promise.all(
    jkts.map(async (jkt) => {
      const grant = new provider.Grant({ accountId: account, clientId });
      grant.addOIDCScope(scope);
      const grantId = await grant.save();
      const token = new provider.RefreshToken({
        accountId: account,
        client,
        grantId,
        scope,
        gty: "authorization_code",
        authTime: Math.floor(Date.now() / 1_000),
        sessionUid: "session",
        expiresWithSession: false,
        claims: {},
        rotations: 0,
      });
      token.jkt = jkt;
      return token.save();
    }),
  );
}

process.once("message", (jkts: readonly string[]) => {
  const server = createServer();
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    const provider = bareProvider(`http://127.0.0.1:${port}`);
    const serve = provider.callback();
    server.on("request", (request, response) => void serve(request, response));
    void refreshTokens(provider, jkts).then((tokens) => process.send?.({ port, tokens }));
  });
});
process.once("disconnect", () => process.exit());
