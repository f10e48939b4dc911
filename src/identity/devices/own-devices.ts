import type { Clock } from "#core/clock.ts";
import { parseDeviceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import {
  isFresh,
  type Act,
  type Call,
  type CallHandler,
  type Calls,
} from "#identity/calls/calls.ts";
import { devicesOf, forgetDevice, nameDevice } from "#identity/devices/device-record-store.ts";
import { deviceNamePurpose, shownDevice } from "#identity/devices/device-view.ts";
import { evidenceOfKeys } from "#identity/devices/evidence-store.ts";
import { lostSignal, parsePasskeys, type Lose } from "#identity/devices/lost.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { textOf } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { sealText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface OwnDevicesDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly calls: Calls;
  readonly lose: Lose;
}

/** What a person sees and does of the browsers and apps that she has used. */
export interface OwnDevices {
  /** `{ items: OwnDevice[] }`, last used first. */
  readonly devices: CallHandler;
  /** `{ name }`: what she calls it. */
  readonly nameDevice: CallHandler;
  /** Signs it out and shows it no more, until it is used again. */
  readonly forgetDevice: CallHandler;
  /**
   * `{ passkeys? }`: lost or stolen, with the ids of her passkeys that were on it: LostDevice of
   * core/wire.ts. She must have proven herself within 5 minutes: a thief must not shut out the rest.
   */
  readonly loseDevice: CallHandler;
}

const notFound = problemAnswer(problem("not-found"));

const list =
  ({ db, sealer, clock }: OwnDevicesDeps): Act =>
  async ({ account, claims }) => {
    const now = clock.now();
    const rows = await devicesOf(db, account.id, { now, limit: identityLimits.devicesShown });
    const evidence = await evidenceOfKeys(
      db,
      rows.map(({ jkt }) => jkt),
    );
    const show = { sealer, evidence, now, here: claims.device };
    return answer({ items: rows.map((row) => shownDevice(row, show)) });
  };

const rename =
  ({ db, sealer }: OwnDevicesDeps): Act =>
  async ({ account, request }) => {
    const id = parseDeviceId(request.id);
    const name = textOf(request.body, "name", identityLimits.deviceNameChars);
    if (name === null) return problemAnswer(problem("parameter-invalid", { at: "name" }));
    if (id === null) return notFound;
    const nameSealed = sealText(sealer, deviceNamePurpose(id), name);
    const isHers = await nameDevice(db, { id, account: account.id, nameSealed });
    return isHers ? answer({ id, name }) : notFound;
  };

const forget =
  ({ db, clock }: OwnDevicesDeps): Act =>
  async ({ account, request }) => {
    const id = parseDeviceId(request.id);
    if (id === null) return notFound;
    const wish = { id, account: account.id, now: clock.now() };
    const isHers = await db.transaction((tx) => forgetDevice(tx, wish));
    return isHers ? answer({ forgotten: true }) : notFound;
  };

const report =
  ({ clock, lose }: OwnDevicesDeps): Act =>
  async (call: Call) => {
    if (!isFresh(call, clock)) return problemAnswer(problem("step-up-needed"));
    const { account, request } = call;
    const device = parseDeviceId(request.id);
    const passkeys = parsePasskeys(request.body);
    if (passkeys === null) return problemAnswer(problem("parameter-invalid", { at: "passkeys" }));
    const wish = { by: account.id, owner: account.id, passkeys };
    const lost = device === null ? null : await lose({ device, ...wish });
    return lost === null ? notFound : answer(lost);
  };

export function createOwnDevices(deps: OwnDevicesDeps): OwnDevices {
  const { calls } = deps;
  const deed = (name: string, signal?: string) => ({
    action: "account-change" as const,
    name,
    isAboutId: true,
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    devices: calls.read(list(deps)),
    nameDevice: calls.change(deed("device-named"), rename(deps)),
    forgetDevice: calls.end(deed("device-forgotten"), forget(deps)),
    // Shut out even while the log cannot be written: a thief does not wait for it.
    loseDevice: calls.end(deed("device-lost", lostSignal), report(deps)),
  };
}
