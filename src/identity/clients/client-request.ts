import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { parseClientKeys } from "#identity/clients/client-keys.ts";
import {
  clientKinds,
  tokenBindings,
  type ClientKeys,
  type ClientKind,
  type ClientWish,
} from "#identity/clients/client.ts";
import { clientLimits } from "#identity/clients/limits.ts";
import { isHttpsUrl, isRedirectUri, isWebApp } from "#identity/clients/redirect-uri.ts";
import { isPersonScope, isServiceScope } from "#identity/clients/scope-cover.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";

const wrong = (at: string, detail?: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at, ...(detail === undefined ? {} : { detail }) });

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

/** Null when it is no list of texts, each once and at most `max` of them. */
export function textsOf(value: unknown, max: number): readonly string[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const texts = value.filter((one): one is string => typeof one === "string");
  return texts.length === value.length && new Set(texts).size === texts.length ? texts : null;
}

function redirectUrisOf(body: JsonObject, kind: ClientKind): readonly string[] | null {
  const uris = textsOf(body["redirectUris"] ?? [], clientLimits.redirectUris);
  if (uris === null || (uris.length === 0) !== (kind === "backend")) return null;
  if (!uris.every((uri) => isRedirectUri(uri, kind === "public"))) return null;
  // An app is on the web or on a device, not both: the rules for their addresses differ.
  return isWebApp(uris) || !uris.some((uri) => uri.startsWith("https:")) ? uris : null;
}

function scopesOf(body: JsonObject, kind: ClientKind): readonly string[] | null {
  const scopes = textsOf(body["scopes"], clientLimits.scopes);
  if (scopes === null || scopes.length === 0) return null;
  const isFit = kind === "backend" ? isServiceScope : isPersonScope;
  return scopes.every((scope) => scope.length <= clientLimits.scopeChars && isFit(scope))
    ? scopes
    : null;
}

function keysOf(body: JsonObject, kind: ClientKind): Result<ClientKeys> {
  const { jwks, jwksUri, ownNetwork } = body;
  const given = [jwks, jwksUri].filter((one) => !isAbsent(one)).length;
  if (kind === "public")
    return given === 0 ? ok({ kind: "none" }) : wrong("jwks", "A public client has no keys.");
  if (given !== 1) return wrong("jwks", "Give either the keys or their address.");
  if (!isAbsent(ownNetwork) && typeof ownNetwork !== "boolean") return wrong("ownNetwork");
  if (typeof jwksUri === "string" && isHttpsUrl(jwksUri))
    return ok({ kind: "address", uri: jwksUri, ownNetwork: ownNetwork === true });
  const keys = isAbsent(jwks) ? null : parseClientKeys(jwks);
  if (keys === null) return wrong(isAbsent(jwks) ? "jwksUri" : "jwks");
  return ok({ kind: "set", keys });
}

/**
 * Reads `{ kind, name, redirectUris?, launchUri?, jwks? | jwksUri?, ownNetwork?, scopes, binding? }`.
 * Fails as "parameter-invalid", `at` naming the field.
 */
export function parseClientRequest(body: JsonObject): Result<ClientWish> {
  const kind = clientKinds.find((known) => known === body["kind"]);
  if (kind === undefined) return wrong("kind");
  const name = textOf(body, "name", clientLimits.nameChars);
  if (name === null || /[\p{Cc}\p{Cf}]/u.test(name)) return wrong("name");
  const redirectUris = redirectUrisOf(body, kind);
  if (redirectUris === null) return wrong("redirectUris");
  const { launchUri } = body;
  if (!isAbsent(launchUri) && (typeof launchUri !== "string" || !isHttpsUrl(launchUri)))
    return wrong("launchUri");
  const keys = keysOf(body, kind);
  if (!keys.ok) return keys;
  const scopes = scopesOf(body, kind);
  if (scopes === null) return wrong("scopes");
  const binding = tokenBindings.find((known) => known === (body["binding"] ?? "dpop"));
  if (binding === undefined) return wrong("binding");
  return ok({
    kind,
    name,
    redirectUris,
    launchUri: typeof launchUri === "string" ? launchUri : null,
    keys: keys.value,
    scopes,
    binding,
  });
}
