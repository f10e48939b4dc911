import { parseAccountId, type AccountId } from "#core/ids.ts";
import { findByExternalId } from "#identity/accounts/account-store.ts";
import type { Blind } from "#identity/blind.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Queryable } from "#storage/database.ts";

export interface NamedAccountDeps {
  readonly db: Queryable;
  readonly blind: Blind;
}

/**
 * The account that a command names in `field`: by its id here, or by the id that the operator's own
 * system has for the person. Null for what can be neither.
 */
export async function namedAccount(
  { db, blind }: NamedAccountDeps,
  body: JsonObject,
  field: string,
): Promise<AccountId | null> {
  const given = textOf(body, field, identityLimits.externalIdChars) ?? "";
  const external = await findByExternalId(db, blind("external-id", given));
  return parseAccountId(external ?? given);
}
