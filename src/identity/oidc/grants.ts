import type { Grant, KoaContextWithOIDC, OIDCContext } from "oidc-provider";
import { isFirstParty } from "#identity/oidc/clients.ts";

/** Of another's app, what was consented to on the way of this very request: each asks for its own patient. */
async function grantAtHand(oidc: OIDCContext, clientId: string): Promise<Grant | undefined> {
  const consented = oidc.result?.consent?.grantId;
  const id = isFirstParty(clientId) ? oidc.session?.grantIdFor(clientId) : consented;
  return id === undefined ? undefined : oidc.provider.Grant.find<Grant>(id);
}

/** Grants all that is asked and known: to our own clients only. */
async function grantAll(oidc: OIDCContext, grant: Grant): Promise<Grant> {
  grant.addOIDCScope(oidc.requestParamOIDCScopes);
  for (const [resource, server] of Object.entries(oidc.resourceServers ?? {})) {
    const known = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
    if (known.length > 0) grant.addResourceScope(resource, known);
  }
  await grant.save();
  return grant;
}

/** What the person lets the client do. For our own clients nobody is asked; for others, undefined until she consented. */
export async function loadGrant({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, account } = oidc;
  if (client === undefined || account === undefined) return undefined;
  const known = await grantAtHand(oidc, client.clientId);
  const isHers = known?.accountId === account.accountId && known.clientId === client.clientId;
  if (!isFirstParty(client.clientId)) return isHers ? known : undefined;
  const grant =
    known !== undefined && isHers
      ? known
      : new oidc.provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  return grantAll(oidc, grant);
}
