import type { WaitingDevice } from "../../../src/core/wire.ts";
import { at, list, readEach, text } from "../fhir/json.ts";

/** A link for one more device, good for one use and a few minutes. */
export interface DeviceLink {
  readonly enrolPath: string;
  readonly endsAt: string;
}

/** Reads POST /api/identity/account/second-device; null when it holds no link of ours. */
export function readDeviceLink(body: unknown): DeviceLink | null {
  const enrolPath = text(at(body, "enrolPath"));
  const endsAt = text(at(body, "expiresAt"));
  if (enrolPath === null || endsAt === null || !enrolPath.startsWith("/enrol#")) return null;
  return { enrolPath, endsAt };
}

function readWaiting(value: unknown): WaitingDevice | null {
  const id = text(at(value, "id"));
  const confirm = text(at(value, "confirm"));
  if (id === null || confirm === null) return null;
  const name = text(at(value, "name")) ?? "";
  return { id, confirm, name, madeAt: text(at(value, "madeAt")) ?? "" };
}

/** Reads GET /api/identity/account/second-device; null when it is no list. */
export function readWaitingDevices(body: unknown): readonly WaitingDevice[] | null {
  const items = at(body, "items");
  return Array.isArray(items) ? readEach(list(items), readWaiting) : null;
}
