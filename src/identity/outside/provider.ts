import type { Brand } from "#core/brand.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { outsideLimits } from "#identity/outside/limits.ts";

/** The operator's short name for a provider, as it stands in addresses: `entra`, `st-mary`. */
export type OutsideProviderId = Brand<string, "OutsideProviderId">;

/** Null when it is not 1 to 32 of a-z 0-9 and -, beginning with a letter. */
export function parseOutsideProviderId(text: string): OutsideProviderId | null {
  return /^[a-z][a-z0-9-]{0,31}$/.test(text) ? (text as OutsideProviderId) : null;
}

/** How an ID token shows that the person gave more than one factor. */
export type Assurance =
  /** Its `acr` is one of these; they are asked for as `acr_values`. */
  | { readonly kind: "acr"; readonly values: readonly string[] }
  /** Its `amr` (RFC 8176) has one of these. */
  | { readonly kind: "amr"; readonly values: readonly string[] }
  /** It need not: the operator knows that this provider asks everybody for two. */
  | { readonly kind: "vouched" };

/** Public-key signatures alone: the client secret must not be able to sign for the provider. */
export const idTokenAlgorithms = ["RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"] as const;
export type IdTokenAlgorithm = (typeof idTokenAlgorithms)[number];

/** An OpenID Provider of another house. */
export interface OutsideProvider {
  readonly id: OutsideProviderId;
  /** What the button says after "Sign in with". */
  readonly label: string;
  /** https, as its metadata and ID tokens name it (OpenID Connect Discovery 1.0 §3). */
  readonly issuer: string;
  readonly clientId: string;
  readonly signedWith: IdTokenAlgorithm;
  readonly assurance: Assurance;
  /** Whether a sign-in over there that is still open is enough; else she proves herself each time. */
  readonly sso: boolean;
  /** PEM of the authorities to trust in place of the system's; null for the system's. */
  readonly authority: string | null;
}

export interface NewOutsideProvider {
  readonly provider: OutsideProvider;
  readonly secret: string;
}

const wrong = (at: string): ReturnType<typeof refuse> => refuse("parameter-invalid", { at });

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return protocol === "https:" && `${search}${hash}${username}${password}` === "";
}

function parseValues(given: unknown): readonly string[] | null {
  if (!Array.isArray(given) || given.length === 0) return null;
  if (given.length > outsideLimits.assuranceValues) return null;
  const texts = given.filter(
    (one): one is string =>
      typeof one === "string" &&
      one.length <= outsideLimits.assuranceValueChars &&
      /^\S+$/.test(one),
  );
  return texts.length === given.length ? texts : null;
}

function parseAssurance(given: unknown): Assurance | null {
  if (typeof given !== "object" || given === null) return null;
  const { kind, values } = { kind: undefined, values: undefined, ...given };
  if (kind === "vouched") return { kind };
  const known = parseValues(values);
  return (kind === "acr" || kind === "amr") && known !== null ? { kind, values: known } : null;
}

/**
 * Reads `{ provider, label, issuer, clientId, secret, signedWith?, assurance, sso?, authority? }`;
 * fails as "parameter-invalid", `at` naming the field.
 */
export function parseNewProvider(body: JsonObject): Result<NewOutsideProvider> {
  const id = parseOutsideProviderId(textOf(body, "provider", 32) ?? "");
  const label = textOf(body, "label", outsideLimits.labelChars);
  const issuer = textOf(body, "issuer", outsideLimits.issuerChars);
  const clientId = textOf(body, "clientId", outsideLimits.clientIdChars);
  const secret = textOf(body, "secret", outsideLimits.secretChars);
  const wished = body["signedWith"] ?? "RS256";
  const signedWith = idTokenAlgorithms.find((one) => one === wished);
  const assurance = parseAssurance(body["assurance"]);
  const authority = textOf(body, "authority", outsideLimits.authorityChars);
  if (id === null) return wrong("provider");
  if (label === null) return wrong("label");
  if (issuer === null || !isIssuer(issuer)) return wrong("issuer");
  if (clientId === null) return wrong("clientId");
  if (secret === null) return wrong("secret");
  if (signedWith === undefined) return wrong("signedWith");
  if (assurance === null) return wrong("assurance");
  if (authority === null && (body["authority"] ?? null) !== null) return wrong("authority");
  const sso = body["sso"] === true;
  return ok({
    provider: { id, label, issuer, clientId, signedWith, assurance, sso, authority },
    secret,
  });
}
