import { toIso, type Clock } from "#core/clock.ts";
import { parseAccountId, parseDeviceId, type AccountId, type DeviceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { LostDevice } from "#core/wire.ts";
import { findDevice } from "#identity/devices/device-record-store.ts";
import { revokeEvidence, settleLevel } from "#identity/devices/evidence-store.ts";
import {
  devicesOfKey,
  dropPasskeys,
  dropPendingKeys,
  endKeySessions,
  markLost,
} from "#identity/devices/lost-store.ts";
import type { JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { lockFactors } from "#identity/passkeys/own-passkey-store.ts";
import { addNotice } from "#identity/recovery/notice-store.ts";
import type { Database } from "#storage/database.ts";

/** Raised with each loss that is told; whoever follows the log opens an incident by it. */
export const lostSignal = "device-lost";

export interface LoseDevice {
  readonly device: DeviceId;
  /** The account that says so, or "operator". */
  readonly by: string;
  /** Whose device it must be; null for whoever may do so with any. */
  readonly owner: AccountId | null;
  /** Passkeys that were on the device. */
  readonly passkeys: readonly string[];
}

/**
 * Shuts a lost or stolen device out, for everybody who used it and for good: sessions, tokens,
 * codes, sign-on cookies, certificates and attestations end in one transaction, and its key begins
 * no session any more. Doing it again ends what may have begun otherwise and changes nothing else.
 * Null when there is no such device, or it is not the owner's.
 */
export type Lose = (wish: LoseDevice) => Promise<LostDevice | null>;

export interface LoseDeps {
  readonly db: Database;
  readonly clock: Clock;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The passkeys that a request names; null when the member is there and is no list of ids. */
export function parsePasskeys({ passkeys }: JsonObject): readonly string[] | null {
  if (passkeys === undefined) return [];
  if (!Array.isArray(passkeys) || passkeys.length > identityLimits.passkeysPerAccount) return null;
  const ids = passkeys.filter((id): id is string => typeof id === "string" && uuid.test(id));
  return ids.length === passkeys.length ? ids : null;
}

const accountIdOf = (text: string): AccountId => {
  const id = parseAccountId(text);
  invariant(id !== null, "a device's account is no uuid");
  return id;
};

/** A kiosk is the house's own: whoever used it once must not shut out all who come after. */
const isOwn = (row: { readonly account: string; readonly kind: string }, owner: AccountId) =>
  row.account === owner && row.kind !== "kiosk";

export function createLose({ db, clock }: LoseDeps): Lose {
  return async ({ device, by, owner, passkeys }) => {
    const now = clock.now();
    return db.transaction(async (tx) => {
      const row = await findDevice(tx, device, now);
      const id = parseDeviceId(row?.id ?? "");
      if (row === null || id === null || (owner !== null && !isOwn(row, owner))) return null;
      const account = accountIdOf(row.account);
      // Before any other row, as whoever begins a session locks them in this order.
      await lockFactors(tx, account);
      const lostAt = await markLost(tx, row.jkt, { by, now });
      const uses = await devicesOfKey(tx, row.jkt);
      const accounts = [...new Set(uses.map((use) => use.account))];
      await dropPendingKeys(tx, accounts, now);
      await revokeEvidence(tx, row.jkt, now);
      const sessionsEnded = await endKeySessions(tx, row.jkt, now);
      await settleLevel(tx, row.jkt, now);
      const passkeysRemoved = await dropPasskeys(tx, account, { ids: passkeys, now });
      if (row.lostAt === null)
        for (const person of accounts) await addNotice(tx, accountIdOf(person), lostSignal, now);
      const devices = uses.map((use) => use.id);
      return { id, lostAt: toIso(lostAt), devices, sessionsEnded, passkeysRemoved };
    });
  };
}
