import { problem } from "#core/problem.ts";
import type { CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { setDeviceKind } from "#identity/sessions/device-store.ts";
import type { DeviceKind } from "#identity/sessions/log-off.ts";
import type { Queryable } from "#storage/database.ts";

export interface OwnDevice {
  /**
   * `{ kind: "browser" | "kiosk" }` of the device that asks, for all who use it from their next
   * sign-in on. An administrator's alone: a kiosk that anybody may turn back is none.
   */
  readonly setDevice: CallHandler;
}

const kinds: readonly DeviceKind[] = ["browser", "kiosk"];

export function createOwnDevice(deps: {
  readonly db: Queryable;
  /** Of administrators alone. */
  readonly calls: Calls;
}): OwnDevice {
  return {
    setDevice: deps.calls.sensitive(
      { action: "account-change", name: "device-kind" },
      async ({ claims, request }) => {
        const kind = kinds.find((known) => known === request.body["kind"]);
        if (kind === undefined) return problemAnswer(problem("parameter-invalid", { at: "kind" }));
        await setDeviceKind(deps.db, claims.device, kind);
        return answer({ kind });
      },
    ),
  };
}
