import { parseDeviceId } from "#core/ids.ts";
import type { PersonRole } from "#core/policy-request.ts";
import { problem } from "#core/problem.ts";
import type { CallHandler, Calls } from "#identity/calls/calls.ts";
import { findDevice } from "#identity/devices/device-record-store.ts";
import {
  parseDeviceSearch,
  searchDevices,
  type DeviceSearchDeps,
} from "#identity/devices/device-search.ts";
import { shownWithOwner } from "#identity/devices/device-view.ts";
import { evidenceOfKeys } from "#identity/devices/evidence-store.ts";
import { lostSignal, parsePasskeys, type Lose } from "#identity/devices/lost.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";

/** Who keeps everybody's devices. */
export const deviceRoles: readonly PersonRole[] = [
  "administrator",
  "security-operator",
  "privacy-officer",
];

export interface AdminDevicesDeps extends DeviceSearchDeps {
  /** Of those roles alone. */
  readonly calls: Calls;
  readonly lose: Lose;
}

export interface AdminDevices {
  /** What parseDeviceSearch takes: `{ items: KnownDevice[], next }`. */
  readonly searchDevices: CallHandler;
  readonly device: CallHandler;
  /** `{ passkeys? }`: lost or stolen, whose ever it is: LostDevice of core/wire.ts. */
  readonly loseAnyDevice: CallHandler;
}

const notFound = problemAnswer(problem("not-found"));

export function createAdminDevices(deps: AdminDevicesDeps): AdminDevices {
  const { db, sealer, clock, calls, lose } = deps;
  const deed = (name: string) => ({ action: "administer", name, isAboutId: true }) as const;
  return {
    searchDevices: calls.end(deed("devices-searched"), async ({ request }) => {
      const asked = parseDeviceSearch(request.body);
      return asked.ok
        ? answer(await searchDevices(deps, asked.value))
        : problemAnswer(asked.problem);
    }),
    device: calls.end(deed("device-shown"), async ({ request, claims }) => {
      const id = parseDeviceId(request.id);
      const now = clock.now();
      const row = id === null ? null : await findDevice(db, id, now);
      if (row === null) return notFound;
      const evidence = await evidenceOfKeys(db, [row.jkt]);
      return answer(shownWithOwner(row, { sealer, evidence, now, here: claims.device }));
    }),
    // Shut out even while the log cannot be written: a thief does not wait for it.
    loseAnyDevice: calls.end(
      { ...deed("device-lost"), signal: lostSignal },
      async ({ account, request }) => {
        const device = parseDeviceId(request.id);
        const passkeys = parsePasskeys(request.body);
        if (passkeys === null)
          return problemAnswer(problem("parameter-invalid", { at: "passkeys" }));
        const lost =
          device === null ? null : await lose({ device, by: account.id, owner: null, passkeys });
        return lost === null ? notFound : answer(lost);
      },
    ),
  };
}
