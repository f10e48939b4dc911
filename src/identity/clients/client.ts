import type { Brand } from "#core/brand.ts";
import type { Instant } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import type { JsonObject } from "#identity/http/body.ts";

/** The OAuth client_id of a registered client: a uuid in lower case. */
export type ClientId = Brand<string, "ClientId">;

/** RFC 6749 §2.1; "backend" is a service without a person: SMART Backend Services. */
export const clientKinds = ["public", "confidential", "backend"] as const;
export type ClientKind = (typeof clientKinds)[number];

/** What a client's tokens are bound to: a key by DPoP (RFC 9449), or nothing. */
export const tokenBindings = ["dpop", "bearer"] as const;
export type TokenBinding = (typeof tokenBindings)[number];

/** How a client proves who it is: `private_key_jwt` by these keys, or not at all. */
export type ClientKeys =
  | { readonly kind: "none" }
  /** Public keys, each a JWK (RFC 7517 §4). */
  | { readonly kind: "set"; readonly keys: readonly JsonObject[] }
  /** `ownNetwork`: the operator lets it lie where the internet does not reach. */
  | { readonly kind: "address"; readonly uri: string; readonly ownNetwork: boolean };

/** What a client asks to be registered as. */
export interface ClientWish {
  readonly kind: ClientKind;
  readonly name: string;
  readonly redirectUris: readonly string[];
  /** Where a launch from a chart begins (SMART App Launch 2.2 §2.0.7); null when it has none. */
  readonly launchUri: string | null;
  readonly keys: ClientKeys;
  /** The most that it may ask for. */
  readonly scopes: readonly string[];
  readonly binding: TokenBinding;
}

/** Pending and revoked clients can do nothing. `by` is an account's id, or "operator". */
export type ClientState =
  | { readonly status: "pending" }
  | { readonly status: "approved" | "revoked"; readonly by: string; readonly at: Instant };

export interface Client extends ClientWish {
  readonly id: ClientId;
  readonly state: ClientState;
  /** The account that answers for it and with which it ends; null when none does. */
  readonly owner: AccountId | null;
  /** An account's id, "operator", or "itself" by dynamic registration. */
  readonly registeredBy: string;
  readonly registeredAt: Instant;
}

/** Null when the text is no client's id by its form. */
export function parseClientId(text: string): ClientId | null {
  return parseAccountId(text) === null ? null : (text as ClientId);
}
