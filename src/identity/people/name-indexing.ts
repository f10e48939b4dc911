import { parseAccountId } from "#core/ids.ts";
import { displayNamePurpose } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import { identityLimits } from "#identity/limits.ts";
import { nameBlind } from "#identity/people/name-index.ts";
import { findUnnamedRows, nameRows } from "#identity/people/people-store.ts";
import { openText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface NameIndexingDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  /** Asked for only when there is a name to index. */
  readonly blind: () => Promise<Blind>;
}

/**
 * Makes accounts findable by name that a version made which kept no index of names; answers how
 * many. At most `namesIndexedAtOnce` in one call.
 */
export async function indexNames({ db, sealer, blind }: NameIndexingDeps): Promise<number> {
  const rows = await findUnnamedRows(db, identityLimits.namesIndexedAtOnce);
  if (rows.length === 0) return 0;
  const hash = await blind();
  const named = rows.flatMap((row) => {
    const id = parseAccountId(row.id);
    if (id === null) return [];
    const name = openText(sealer, displayNamePurpose(id), row.displayName);
    return [{ id, nameBlind: nameBlind(hash, name) }];
  });
  await db.transaction((tx) => nameRows(tx, named));
  return named.length;
}
