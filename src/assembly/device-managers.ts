import { join } from "node:path";
import {
  parseManagerKey,
  type DeviceManagers,
  type ManagerKey,
} from "#identity/devices/device-managers.ts";
import type { Event } from "#identity/event.ts";
import type { Home } from "#assembly/home.ts";
import { readPemFiles } from "#assembly/pem-files.ts";

/**
 * Reads `device-managers/NAME.pem` of the home: the public key of whoever manages devices under that
 * name. A file that holds no such key is told of, and its manager not believed.
 */
export function readDeviceManagers(home: Home, event: Event): DeviceManagers {
  const managers = new Map<string, ManagerKey>();
  for (const { name, pem } of readPemFiles(join(home.path, "device-managers")) ?? []) {
    const key = parseManagerKey(pem);
    if (key === null) event("device-manager-key-refused", { file: `${name}.pem` });
    else managers.set(name, key);
  }
  return managers;
}
