import { laterBy, toIso, type Clock, type Instant } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { WaitingDevice } from "#core/wire.ts";
import type { Blind } from "#identity/blind.ts";
import type { CallHandler, Calls, Deed } from "#identity/calls/calls.ts";
import { makeLink } from "#identity/enrolment/enrolment.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { identityLimits } from "#identity/limits.ts";
import { checkNumberOf } from "#identity/passkeys/check-number.ts";
import { passkeyNamePurpose } from "#identity/passkeys/passkey.ts";
import {
  confirmPasskey,
  dropUnconfirmed,
  dropWaiting,
  waitingPasskeys,
  type WaitingRow,
} from "#identity/passkeys/second-device-store.ts";
import { addNotice } from "#identity/recovery/notice-store.ts";
import { openText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface SecondDeviceDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly calls: Calls;
}

export interface SecondDevice {
  /** `{ enrolPath, expiresAt }`: a one-use path for a QR code, good for 5 minutes. */
  readonly addDevice: CallHandler;
  /** `{ items: WaitingDevice[] }`: devices that used the path and wait to be confirmed. */
  readonly waitingDevices: CallHandler;
  /** Lets the device's passkey sign in from now on; "not-found" when it does not wait any more. */
  readonly confirmDevice: CallHandler;
  /** Forgets the device's passkey. */
  readonly refuseDevice: CallHandler;
}

const deed = (name: string): Deed => ({ action: "account-change", name });
const notFound = problemAnswer(problem("not-found"));

function shown({ sealer, blind }: SecondDeviceDeps, row: WaitingRow): WaitingDevice {
  const purpose = passkeyNamePurpose(row.credentialId.toString("base64url"));
  return {
    id: row.id,
    name: openText(sealer, purpose, row.nameSealed),
    confirm: checkNumberOf(blind, row.credentialId),
    madeAt: toIso(row.madeAt),
  };
}

export function createSecondDevice(deps: SecondDeviceDeps): SecondDevice {
  const { db, clock, calls } = deps;
  const lifeMs = identityLimits.secondDeviceMs;
  const oldest = (): Instant => laterBy(clock.now(), -lifeMs);
  return {
    addDevice: calls.sensitive(deed("second-device-link"), async ({ account }) => {
      const expiresAt = toIso(laterBy(clock.now(), lifeMs));
      const enrolPath = await db.transaction(async (tx) => {
        await dropUnconfirmed(tx, account.id, oldest());
        return makeLink(tx, account.id, deps, { purpose: "second-device" });
      });
      return answer({ enrolPath, expiresAt }, 201);
    }),
    waitingDevices: calls.read(async ({ account }) => {
      const rows = await waitingPasskeys(db, account.id, oldest());
      return answer({ items: rows.map((row) => shown(deps, row)) });
    }),
    // Not asked to be fresh: the link was, and a person between two devices shall not start anew.
    confirmDevice: calls.change(deed("second-device-confirmed"), ({ account, request }) =>
      db.transaction(async (tx) => {
        if (!(await confirmPasskey(tx, account.id, request.id, oldest()))) return notFound;
        await addNotice(tx, account.id, "passkey-added", clock.now());
        return answer({ confirmed: true });
      }),
    ),
    refuseDevice: calls.change(deed("second-device-refused"), async ({ account, request }) =>
      (await dropWaiting(db, account.id, request.id)) ? answer({ refused: true }) : notFound,
    ),
  };
}
