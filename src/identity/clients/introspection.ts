import type { IncomingMessage } from "node:http";
import type { Provider } from "oidc-provider";
import { verifyAccessToken, type KeyOf } from "#core/access-token.ts";
import { parseClientFacts } from "#core/client-facts.ts";
import type { Clock } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Trail } from "#identity/trail.ts";

export interface IntrospectionDeps {
  readonly publicOrigin: string;
  readonly keyOf: KeyOf;
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, "find">;
  readonly trail: Trail;
}

interface Asked {
  /** The client that proved itself. */
  readonly client: string;
  readonly token: string;
}

/** Who may ask about a token: the client that it was given to, and it must prove itself by its key. */
export function mayIntrospect(
  client: { readonly clientId: string; readonly clientAuthMethod?: string | undefined },
  tokenClient: string | undefined,
): boolean {
  return client.clientAuthMethod === "private_key_jwt" && client.clientId === tokenClient;
}

/** The client that the library proved; null when it proved none. */
function provenClient(oidc: unknown): string | null {
  const client: unknown = isRecord(oidc) ? oidc["client"] : null;
  const id: unknown = isRecord(client) ? client["clientId"] : null;
  return typeof id === "string" ? id : null;
}

/** RFC 7662 §2.2 of an access token; whatever is wrong with it, no more is said than that it is not active. */
async function introspect(
  { client, token }: Asked,
  { publicOrigin, keyOf, clock, sessions }: IntrospectionDeps,
): Promise<Readonly<Record<string, unknown>>> {
  const inactive = { active: false };
  const audience = `${publicOrigin}/fhir`;
  const now = clock.now();
  const checked = await verifyAccessToken({ token, issuer: publicOrigin, audience, keyOf, now });
  if (!checked.ok || checked.value.client !== client) return inactive;
  const { account, scopes, binding, patient, expiresAt, session } = checked.value;
  const live = await sessions.find(session);
  if (live === null || !live.alive || live.account !== account) return inactive;
  return {
    active: true,
    iss: publicOrigin,
    aud: audience,
    sub: account,
    client_id: client,
    scope: scopes.join(" "),
    exp: Math.floor(expiresAt / 1_000),
    token_type: binding.kind === "dpop" ? "DPoP" : "Bearer",
    ...(binding.kind === "dpop" ? { cnf: { jkt: binding.jkt } } : {}),
    ...(patient === null ? {} : { patient }),
  };
}

/**
 * Answers RFC 7662 for our access tokens, too. The library proves the client and looks refresh tokens
 * up; of a JWT it only says, when the client is proven, that it cannot. Each answer waits for its
 * entry in the log.
 */
export function answerIntrospection(provider: Provider, deps: IntrospectionDeps): void {
  const structured = new WeakMap<IncomingMessage, Asked>();
  provider.on("introspection.error", (ctx, error) => {
    const { client, params } = ctx.oidc;
    const token = params?.["token"];
    if (error.error !== "unsupported_token_type" || client === undefined) return;
    if (typeof token !== "string" || !mayIntrospect(client, client.clientId)) return;
    structured.set(ctx.req, { client: client.clientId, token });
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path !== "/oauth/introspect") return;
    const asked = structured.get(ctx.req);
    if (asked !== undefined) {
      ctx.status = 200;
      ctx.body = await introspect(asked, deps);
    }
    const facts = parseClientFacts(ctx.req.headers);
    const permitted = ctx.status === 200;
    const unwritten = await deps.trail.note({
      action: "token",
      facts,
      client: asked?.client ?? provenClient(ctx.oidc),
      ...(permitted ? { reasons: ["introspection"] } : { refused: "introspection" }),
    });
    if (unwritten === null) return;
    ctx.status = 503;
    ctx.body = { error: "temporarily_unavailable" };
  });
}
