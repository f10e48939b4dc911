import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import { isRecord } from "#core/jws.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import { ownScopes } from "#identity/oidc/scopes.ts";

function withContext(ctx: KoaContextWithOIDC, body: object): object {
  const { AuthorizationCode: code, RefreshToken: refresh, AccessToken: token } = ctx.oidc.entities;
  const granted = (code ?? refresh)?.scope?.split(" ") ?? [];
  const own = ownScopes.filter((scope) => granted.includes(scope));
  const patient: unknown = token?.extra?.["patient"];
  return {
    ...body,
    scope: [...own, token?.scope ?? ""].join(" ").trim(),
    // From a chart, that chart's frame tells already whose record it is.
    ...(typeof patient === "string"
      ? { patient, need_patient_banner: !granted.includes("launch") }
      : {}),
  };
}

/**
 * Tells an app with its token whose record it was given, and all scopes that it has (SMART App
 * Launch 2.2 §2.0.10): the OpenID provider names those of the FHIR server alone.
 */
export function tellLaunchContext(provider: Provider): void {
  provider.on("grant.success", (ctx) => {
    const body: unknown = ctx.body;
    const token = ctx.oidc.entities.AccessToken;
    if (token === undefined || !isRecord(body) || isFirstParty(token.clientId ?? "")) return;
    ctx.body = withContext(ctx, body);
  });
}
