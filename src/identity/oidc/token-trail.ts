import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { ClientCredentials, KoaContextWithOIDC, Provider } from "oidc-provider";
import { parseClientFacts } from "#core/client-facts.ts";
import { parseAccountId } from "#core/ids.ts";
import type { Event } from "#identity/event.ts";
import type { Happening, Trail } from "#identity/trail.ts";
import { storageProblem } from "#storage/storage-problem.ts";

type Told = Omit<Happening, "facts">;
type Context = Parameters<Parameters<Provider["use"]>[0]>[0];

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** A service has an account of the id that it has as a client. */
function issuedToService({ clientId = "", extra }: ClientCredentials): Told {
  return {
    action: "token",
    about: parseAccountId(clientId),
    role: "service",
    client: clientId,
    session: textOf(extra?.["sid"]),
    device: textOf(extra?.["device"]),
  };
}

function issued({ oidc }: KoaContextWithOIDC): Told {
  const { AccessToken: token, ClientCredentials: own } = oidc.entities;
  if (own !== undefined) return issuedToService(own);
  return {
    action: "token",
    about: token === undefined ? null : parseAccountId(token.accountId),
    client: oidc.client?.clientId ?? null,
    session: textOf(token?.extra?.["sid"]),
    device: textOf(token?.extra?.["device"]),
  };
}

function refused({ oidc }: KoaContextWithOIDC, error: string, isReuse: boolean): Told {
  const { RefreshToken: refresh } = oidc.entities;
  return {
    action: "token",
    refused: error,
    about: refresh === undefined ? null : parseAccountId(refresh.accountId),
    client: oidc.client?.clientId ?? null,
    // A code or refresh token shown a second time was stolen, at one use or the other.
    ...(isReuse ? { signal: "token-reuse" } : {}),
  };
}

/** RFC 7009: an app that gives its refresh token back has signed its person out. */
function revoked({ oidc }: KoaContextWithOIDC): Told {
  const { RefreshToken: refresh } = oidc.entities;
  return {
    action: "sign-out",
    about: refresh === undefined ? null : parseAccountId(refresh.accountId),
    client: oidc.client?.clientId ?? null,
  };
}

const unavailable = {
  error: "temporarily_unavailable",
  error_description: "the service does not answer at the moment",
} as const;

function answerUnavailable(ctx: Context): void {
  ctx.status = 503;
  ctx.set("retry-after", "1");
  ctx.body = unavailable;
}

/** The library and its framework write HTML for redirects and form posts; a redirect needs no body. */
function withoutHtml(ctx: Context): void {
  if (ctx.response.type !== "text/html") return;
  ctx.type = "text/plain";
  if (ctx.status >= 300 && ctx.status < 400) {
    ctx.body = "";
    return;
  }
  ctx.status = 400;
  ctx.body = { error: "unsupported_response_mode" };
}

/**
 * Makes each answer of the token and revocation endpoints wait for its entry in the log: a token whose entry is
 * not durable is never sent. Reports faults of the program to `event`, by name alone.
 */
export function keepTokenTrail(provider: Provider, trail: Trail, event: Event): void {
  const told = new WeakMap<IncomingMessage, Told>();
  const reused = new WeakSet<IncomingMessage>();
  const down = new WeakSet<IncomingMessage>();
  provider.on("grant.success", (ctx) => told.set(ctx.req, issued(ctx)));
  provider.on("grant.revoked", (ctx) => {
    if (ctx.oidc.route === "token") reused.add(ctx.req);
    else told.set(ctx.req, revoked(ctx));
  });
  provider.on("grant.error", (ctx, error) =>
    told.set(ctx.req, refused(ctx, error.error, reused.has(ctx.req))),
  );
  provider.on("server_error", (ctx, error) => {
    if (storageProblem(error) === null) event("oidc-fault", { name: error.name });
    else down.add(ctx.req);
  });
  const framework: EventEmitter = provider;
  framework.on("error", (error: Error) => event("oidc-fault", { name: error.name }));
  provider.use(async (ctx, next) => {
    await next();
    withoutHtml(ctx);
    if (down.has(ctx.req)) answerUnavailable(ctx);
    const happened = told.get(ctx.req);
    if (happened === undefined) return;
    const unwritten = await trail.note({ ...happened, facts: parseClientFacts(ctx.req.headers) });
    if (unwritten !== null) answerUnavailable(ctx);
  });
}
