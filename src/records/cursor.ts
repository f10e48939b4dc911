import { laterBy, parseInstant, type Instant } from "#core/clock.ts";
import {
  parseResourceId,
  parseResourceType,
  type AccountId,
  type ResourceType,
  type TenantId,
} from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { RecordPlace, Vault } from "#vault/vault.ts";

export const cursorLimits = {
  lifetimeMs: 60 * 60_000,
  characters: 6_000,
} as const;

/** Where a page ended: the next begins after this. Sort keys are values of the record, hence the seal. */
export interface Position {
  readonly key: string;
  readonly id: string;
}

/** All that is needed to go on with a search. */
export interface Cursor {
  /** The search's parameters, form-encoded. */
  readonly query: string;
  readonly after: Position;
}

export interface CursorPlace {
  readonly tenant: TenantId;
  readonly type: ResourceType;
  /** Only this account can go on: the cursor of another does not open. */
  readonly account: AccountId;
  readonly at: Instant;
}

type CursorVault = Pick<Vault, "keys" | "keyAt" | "sealLoose" | "open">;

function sealedPlace({ tenant, type, account }: CursorPlace, dekVersion: number): RecordPlace {
  // No FHIR type ends so, hence no cursor can pose as a record nor a record as a cursor.
  const cursorType = parseResourceType(`${type}SearchCursor`);
  const id = parseResourceId(account);
  invariant(cursorType !== null && id !== null, "a cursor has a place");
  return { tenant, compartment: "organisation", type: cursorType, id, version: 1, dekVersion };
}

/** A text fit for an address that tells nothing of the search. Fails as fetching the key does. */
export async function sealCursor(
  cursor: Cursor,
  place: CursorPlace,
  vault: CursorVault,
): Promise<Result<string>> {
  const keys = await vault.keys(["organisation"]);
  if (!keys.ok) return keys;
  const key = keys.value.get("organisation");
  if (key === undefined) return refuse("key-unavailable");
  const until = laterBy(place.at, cursorLimits.lifetimeMs);
  const plain = Buffer.from(JSON.stringify({ ...cursor, until }), "utf8");
  const sealed = await vault.sealLoose(key, sealedPlace(place, key.dekVersion), plain);
  return sealed.ok ? ok(`${key.dekVersion}.${sealed.value.toString("base64url")}`) : sealed;
}

function parseCursor(text: string): (Cursor & { readonly until: Instant }) | null {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return null;
  const { query, after, until } = value;
  if (typeof query !== "string" || !isRecord(after) || typeof until !== "number") return null;
  const { key, id } = after;
  const instant = parseInstant(until);
  return typeof key === "string" && typeof id === "string" && instant !== null
    ? { query, after: { key, id }, until: instant }
    : null;
}

const cursorText = /^([1-9][0-9]{0,8})\.([A-Za-z0-9_-]+)$/;

/** Fails as "parameter-invalid" when it is not a cursor of this account and type, or is too old. */
export async function openCursor(
  text: string,
  place: CursorPlace,
  vault: CursorVault,
): Promise<Result<Cursor>> {
  const invalid = refuse("parameter-invalid", {
    at: "_cursor",
    detail: "has run out; search again",
  });
  const found = text.length <= cursorLimits.characters ? cursorText.exec(text) : null;
  if (found === null) return invalid;
  const [, version, sealed = ""] = found;
  const key = await vault.keyAt("organisation", Number(version));
  if (!key.ok) return key.problem.code === "record-damaged" ? invalid : key;
  const where = sealedPlace(place, Number(version));
  const plain = vault.open(key.value, where, Buffer.from(sealed, "base64url"));
  const cursor = plain === null ? null : parseCursor(plain.toString("utf8"));
  return cursor === null || cursor.until <= place.at ? invalid : ok(cursor);
}
