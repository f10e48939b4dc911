import type { Clock } from "#core/clock.ts";
import { parseAccountId, parseDeviceId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { KnownDevice } from "#core/wire.ts";
import { findDevices, type DeviceQuery } from "#identity/devices/device-record-store.ts";
import { shownWithOwner } from "#identity/devices/device-view.ts";
import { evidenceOfKeys } from "#identity/devices/evidence-store.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface DeviceSearchDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

type Asked = Omit<DeviceQuery, "now" | "limit">;

const wrong = (at: string) => refuse("parameter-invalid", { at });

function rung(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 4
    ? value
    : null;
}

/** `{ account?, lost?, managedBy?, leastLevel?, mostLevel?, after? }`; "parameter-invalid" names what is wrong. */
export function parseDeviceSearch(body: JsonObject): Result<Asked> {
  const { account, lost, after } = body;
  const has = (name: string): boolean => body[name] !== undefined && body[name] !== null;
  const accountId = typeof account === "string" ? parseAccountId(account) : null;
  const afterId = typeof after === "string" ? parseDeviceId(after) : null;
  const managedBy = textOf(body, "managedBy", identityLimits.deviceNameChars);
  const leastLevel = rung(body["leastLevel"]);
  const mostLevel = rung(body["mostLevel"]);
  if (has("account") && accountId === null) return wrong("account");
  if (has("after") && afterId === null) return wrong("after");
  if (has("lost") && typeof lost !== "boolean") return wrong("lost");
  if (has("managedBy") && managedBy === null) return wrong("managedBy");
  if (has("leastLevel") && leastLevel === null) return wrong("leastLevel");
  if (has("mostLevel") && mostLevel === null) return wrong("mostLevel");
  const isLost = typeof lost === "boolean" ? lost : null;
  return ok({ account: accountId, isLost, managedBy, leastLevel, mostLevel, after: afterId });
}

export interface DevicePage {
  readonly items: readonly KnownDevice[];
  /** Hand it in as `after` for the next page; null when this is the last. */
  readonly next: string | null;
}

/** Everybody's devices, newest first, 50 at a time. */
export async function searchDevices(
  { db, sealer, clock }: DeviceSearchDeps,
  asked: Asked,
): Promise<DevicePage> {
  const now = clock.now();
  const limit = identityLimits.devicesPerPage;
  const rows = await findDevices(db, { ...asked, now, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const evidence = await evidenceOfKeys(
    db,
    page.map(({ jkt }) => jkt),
  );
  const items = page.map((row) => shownWithOwner(row, { sealer, evidence, now, here: null }));
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
