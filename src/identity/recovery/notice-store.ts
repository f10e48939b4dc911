import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

/** What a person is told of, as NIST SP 800-63B-4 §4.6 asks for changes of authenticators. */
export type NoticeKind =
  | "passkey-added"
  | "passkey-removed"
  | "device-lost"
  | "recovery-codes-made"
  | "recovery-code-used"
  | "recovery-begun"
  | "recovery-cancelled"
  | "recovery-finished";

/** Keeps a notice for the portal and for the letter that goes out with the next batch. */
export async function addNotice(
  db: Queryable,
  account: AccountId,
  kind: NoticeKind,
  now: Instant,
): Promise<void> {
  await db.query("INSERT INTO identity.notice (account, kind, at) VALUES ($1, $2, $3)", [
    account,
    kind,
    toIso(now),
  ]);
}

export type NoticeRow = { readonly id: string; readonly kind: string; readonly at: Instant };

/** The newest notices of the account, at most `max`. */
export async function noticesOf(
  db: Queryable,
  account: AccountId,
  max: number,
): Promise<readonly NoticeRow[]> {
  return db.query<NoticeRow>(
    "SELECT id, kind, at FROM identity.notice WHERE account = $1 ORDER BY at DESC, id LIMIT $2",
    [account, max],
  );
}

export type LetterRow = NoticeRow & { readonly account: string; readonly displayName: Buffer };

/** Takes the oldest notices that no letter was made of, at most `max`; they are made from now on. */
export async function takeUnsent(
  db: Queryable,
  max: number,
  now: Instant,
): Promise<readonly LetterRow[]> {
  return db.query<LetterRow>(
    `WITH unsent AS (
        SELECT tenant, id FROM identity.notice WHERE sent_at IS NULL
        ORDER BY at, id LIMIT $1 FOR UPDATE SKIP LOCKED
      )
      UPDATE identity.notice SET sent_at = $2
      FROM unsent JOIN identity.account ON account.tenant = unsent.tenant
      WHERE notice.tenant = unsent.tenant AND notice.id = unsent.id AND account.id = notice.account
      RETURNING notice.id, notice.kind, notice.at, notice.account,
        account.display_name_sealed AS "displayName"`,
    [max, toIso(now)],
  );
}
