import { toIso, type Clock } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { OpenRecovery } from "#core/wire.ts";
import type { Blind } from "#identity/blind.ts";
import type { CallHandler, Calls, Deed } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  makeRecoveryCode,
  recoveryCodesAtOnce,
  readRecoveryCode,
} from "#identity/recovery/code.ts";
import { addNotice, noticesOf } from "#identity/recovery/notice-store.ts";
import { codesLeft, replaceCodes } from "#identity/recovery/recovery-code-store.ts";
import { cancelRecovery, openRecoveriesOf } from "#identity/recovery/recovery-store.ts";
import type { Database } from "#storage/database.ts";

export interface OwnRecoveryDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly calls: Calls;
}

export interface OwnRecovery {
  /** `{ left }`: how many codes are unused. */
  readonly recoveryCodes: CallHandler;
  /** `{ codes }`, shown this once; codes from before no longer work. */
  readonly makeRecoveryCodes: CallHandler;
  /** `{ items: OpenRecovery[] }`: recoveries of this account that are under way. */
  readonly recoveries: CallHandler;
  /** Calls one off, from any signed-in device and without further ado: it may not be hers. */
  readonly cancelRecovery: CallHandler;
  /** `{ items: [{ id, kind, at }] }`: what changed in how she signs in, newest first. */
  readonly notices: CallHandler;
}

const deed = (name: string): Deed => ({ action: "account-change", name });

/** What stands in the database for a code; the code's own 80 bits need no slow hash. */
export function hashOfCode(blind: Blind, typed: string): Buffer | null {
  const code = readRecoveryCode(typed);
  return code === null ? null : blind("recovery-code", code);
}

export function createOwnRecovery(deps: OwnRecoveryDeps): OwnRecovery {
  const { db, clock, random, blind, calls } = deps;
  return {
    recoveryCodes: calls.read(async ({ account }) =>
      answer({ left: await codesLeft(db, account.id) }),
    ),
    makeRecoveryCodes: calls.sensitive(deed("recovery-codes-made"), async ({ account }) => {
      const codes = Array.from({ length: recoveryCodesAtOnce }, () => makeRecoveryCode(random));
      const hashes = codes.flatMap((code) => hashOfCode(blind, code) ?? []);
      await db.transaction(async (tx) => {
        await replaceCodes(tx, account.id, hashes);
        await addNotice(tx, account.id, "recovery-codes-made", clock.now());
      });
      return answer({ codes }, 201);
    }),
    recoveries: calls.read(async ({ account }) => {
      const rows = await openRecoveriesOf(db, account.id, clock.now());
      const items = rows.map(({ id, way, begunAt, readyAt }): OpenRecovery => ({
        id,
        way,
        begunAt: toIso(begunAt),
        readyAt: toIso(readyAt),
      }));
      return answer({ items });
    }),
    cancelRecovery: calls.end(
      // Somebody has a code or the staff's trust that was not the person's to give: worth a look.
      { ...deed("recovery-cancelled"), signal: "recovery-disowned" },
      async ({ account, request }) => {
        const now = clock.now();
        const wasOpen = await db.transaction(async (tx) => {
          if (!(await cancelRecovery(tx, account.id, request.id, now))) return false;
          await addNotice(tx, account.id, "recovery-cancelled", now);
          return true;
        });
        return wasOpen ? answer({ cancelled: true }) : problemAnswer(problem("not-found"));
      },
    ),
    notices: calls.read(async ({ account }) => {
      const rows = await noticesOf(db, account.id, identityLimits.noticesShown);
      return answer({ items: rows.map(({ id, kind, at }) => ({ id, kind, at: toIso(at) })) });
    }),
  };
}
