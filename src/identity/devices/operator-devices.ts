import { parseDeviceId, type DeviceId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import { findDevice } from "#identity/devices/device-record-store.ts";
import {
  parseDeviceSearch,
  searchDevices,
  type DeviceSearchDeps,
} from "#identity/devices/device-search.ts";
import { shownWithOwner } from "#identity/devices/device-view.ts";
import { evidenceOfKeys } from "#identity/devices/evidence-store.ts";
import { devicesOfKey } from "#identity/devices/lost-store.ts";
import { lostSignal, type Lose } from "#identity/devices/lost.ts";
import type { Managing } from "#identity/devices/managing.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import type { Happening, Trail } from "#identity/trail.ts";

export interface OperatorDevicesDeps extends DeviceSearchDeps {
  readonly lose: Lose;
  readonly managing: Managing;
  readonly trail: Trail;
}

export const operatorDevicesActions = ["list", "show", "lost", "enrol", "certificate"] as const;
export type OperatorDevicesAction = (typeof operatorDevicesActions)[number];

/** What operators' commands may ask about devices, by mutual TLS as role operator. */
export type OperatorDevices = Readonly<
  Record<OperatorDevicesAction, (body: JsonObject) => Promise<Answer>>
>;

const notFound = problemAnswer(problem("not-found", { detail: "There is no such device." }));

function idOf({ id }: JsonObject): DeviceId | null {
  return typeof id === "string" ? parseDeviceId(id) : null;
}

/**
 * `list` takes what parseDeviceSearch takes and answers `{ items: KnownDevice[], next }`; `show`
 * and `lost` take `{ id }` and answer KnownDevice, with all ids of its key as `devices`, and LostDevice
 * of core/wire.ts; `enrol` and `certificate` take `{ id }` and what Managing takes.
 */
export function createOperatorDevices(deps: OperatorDevicesDeps): OperatorDevices {
  const { db, sealer, clock, lose, managing, trail } = deps;
  const noted = async (
    done: Answer,
    told: Pick<Happening, "reasons" | "resourceId" | "signal">,
  ): Promise<Answer> => {
    const happening = { action: "administer", facts: null, actor: "process:operator" } as const;
    const unwritten = await trail.note({ ...happening, ...told });
    return unwritten === null ? done : problemAnswer(unwritten);
  };
  const managed = async (
    body: JsonObject,
    reason: string,
    act: (id: DeviceId) => Promise<Result<object>>,
  ): Promise<Answer> => {
    const id = idOf(body);
    const done = id === null ? refuse("not-found") : await act(id);
    if (id === null || !done.ok)
      return done.ok || done.problem.code === "not-found" ? notFound : problemAnswer(done.problem);
    return noted(answer(done.value), { reasons: [reason], resourceId: id });
  };
  return {
    enrol: (body) => managed(body, "device-enrolled", (id) => managing.enrol(id, body)),
    certificate: (body) => managed(body, "device-certified", (id) => managing.certify(id, body)),
    list: async (body) => {
      const asked = parseDeviceSearch(body);
      if (!asked.ok) return problemAnswer(asked.problem);
      const page = await searchDevices(deps, asked.value);
      return noted(answer(page), { reasons: ["devices-searched"] });
    },
    show: async (body) => {
      const id = idOf(body);
      const now = clock.now();
      const row = id === null ? null : await findDevice(db, id, now);
      if (row === null) return notFound;
      const evidence = await evidenceOfKeys(db, [row.jkt]);
      const shown = shownWithOwner(row, { sealer, evidence, now, here: null });
      const devices = (await devicesOfKey(db, row.jkt)).map((use) => use.id);
      return noted(answer({ ...shown, devices }), {
        reasons: ["device-shown"],
        resourceId: row.id,
      });
    },
    lost: async (body) => {
      const device = idOf(body);
      const wish = { by: "operator", owner: null, passkeys: [] } as const;
      const lost = device === null ? null : await lose({ device, ...wish });
      if (lost === null) return notFound;
      const told = { reasons: ["device-lost"], resourceId: lost.id, signal: lostSignal };
      return noted(answer(lost), told);
    },
  };
}
