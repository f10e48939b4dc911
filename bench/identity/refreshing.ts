import type { Pool } from "undici";
import type { ProofKey } from "../../test/support/client.ts";

/** An app that holds a refresh token and trades it for the next, again and again. */
export interface RefreshingApp {
  readonly key: ProofKey;
  refreshToken: string;
  /** Proofs made before the clock starts, as each device makes its own. */
  readonly proofs: string[];
}

export interface TokenEndpoint {
  readonly pool: Pool;
  /** As the proofs name it. */
  readonly url: string;
  readonly clientId: string;
  readonly headers: Readonly<Record<string, string>>;
}

const form = "application/x-www-form-urlencoded";

/** One refresh. Throws unless it gave the next refresh token: a bench of refusals measures nothing. */
export async function refresh(endpoint: TokenEndpoint, app: RefreshingApp): Promise<void> {
  const grant = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: endpoint.clientId,
    refresh_token: app.refreshToken,
  });
  const { statusCode, body } = await endpoint.pool.request({
    method: "POST",
    path: new URL(endpoint.url).pathname,
    headers: {
      ...endpoint.headers,
      "content-type": form,
      dpop: app.proofs.pop() ?? app.key.proof("POST", endpoint.url),
    },
    body: grant.toString(),
  });
  const text = await body.text();
  const next = (JSON.parse(text) as Record<string, unknown>)["refresh_token"];
  if (statusCode !== 200 || typeof next !== "string") throw new Error(`${statusCode}: ${text}`);
  app.refreshToken = next;
}

/** Takes turns among the apps, none of which asks twice at once. */
export function inTurns(endpoint: TokenEndpoint, apps: readonly RefreshingApp[]) {
  const free = [...apps];
  return async (): Promise<void> => {
    const app = free.pop();
    if (app === undefined) throw new Error("an app for each client");
    await refresh(endpoint, app);
    free.push(app);
  };
}
