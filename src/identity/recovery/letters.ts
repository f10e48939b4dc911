import { toIso, type Clock } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import { displayNamePurpose } from "#identity/accounts/account.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { identityLimits } from "#identity/limits.ts";
import { takeUnsent } from "#identity/recovery/notice-store.ts";
import { openText } from "#identity/sealed.ts";
import type { Trail } from "#identity/trail.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface LettersDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly trail: Trail;
}

/**
 * Hands the notices over that no letter was made of yet: `{ items: [{ id, account, displayName,
 * kind, at }] }`, oldest first, at most 200; each is handed over once. The operator sends them by
 * post or e-mail, whichever she has: an address that an intruder could change is no channel.
 */
export type Letters = () => Promise<Answer>;

export function createLetters({ db, sealer, clock, trail }: LettersDeps): Letters {
  return async () => {
    const told = { action: "account-change", facts: null, actor: "process:operator" } as const;
    const unwritten = await trail.note({ ...told, reasons: ["letters-taken"] });
    if (unwritten !== null) return problemAnswer(unwritten);
    const rows = await takeUnsent(db, identityLimits.lettersAtOnce, clock.now());
    const items = rows.flatMap(({ id, account, kind, at, displayName }) => {
      const parsed = parseAccountId(account);
      if (parsed === null) return [];
      const name = openText(sealer, displayNamePurpose(parsed), displayName);
      return [{ id, account, displayName: name, kind, at: toIso(at) }];
    });
    return answer({ items: items.toSorted((one, other) => one.at.localeCompare(other.at)) });
  };
}
