import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  parseManagerKey,
  type DeviceManagers,
  type ManagerKey,
} from "#identity/devices/device-managers.ts";
import type { Event } from "#identity/event.ts";
import type { Home } from "#assembly/home.ts";

const ending = ".pem";
const managersMax = 100;

/**
 * Reads `device-managers/NAME.pem` of the home: the public key of whoever manages devices under that
 * name. A file that holds no such key is told of, and its manager not believed.
 */
export function readDeviceManagers(home: Home, event: Event): DeviceManagers {
  const folder = join(home.path, "device-managers");
  const managers = new Map<string, ManagerKey>();
  if (!existsSync(folder)) return managers;
  const files = readdirSync(folder).filter((name) => name.endsWith(ending));
  for (const file of files.toSorted().slice(0, managersMax)) {
    const key = parseManagerKey(readFileSync(join(folder, file), "utf8"));
    if (key === null) event("device-manager-key-refused", { file });
    else managers.set(file.slice(0, -ending.length), key);
  }
  return managers;
}
