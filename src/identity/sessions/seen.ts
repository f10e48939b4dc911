import type { IncomingHttpHeaders } from "node:http";
import type { Zone } from "#core/audit-entry.ts";
import { zones } from "#core/audit-entry.ts";
import { parseClientFacts } from "#core/client-facts.ts";
import { isRecord } from "#core/jws.ts";
import { openText, sealText } from "#identity/sealed.ts";
import { deviceNameOf } from "#identity/sessions/device-name.ts";
import type { Sealer } from "#vault/sealer.ts";

/** From where a session was used. */
export interface Seen {
  readonly deviceName: string | null;
  readonly address: string | null;
  readonly zone: Zone | null;
}

/** Reads the gateway's facts and the browser's own words of itself. */
export function seenOf(headers: IncomingHttpHeaders): Seen {
  const facts = parseClientFacts(headers);
  return {
    deviceName: deviceNameOf(headers["user-agent"]),
    address: facts?.address ?? null,
    zone: facts?.zone ?? null,
  };
}

/** An address tells where somebody was, so it lies sealed, bound to its sign-in. */
const purposeOf = (login: Buffer): string => `session-seen:${login.toString("base64url")}`;

export function sealSeen(sealer: Sealer, login: Buffer, seen: Seen): Buffer {
  return sealText(sealer, purposeOf(login), JSON.stringify(seen));
}

/** Throws BrokenInvariant when it does not open. */
export function openSeen(sealer: Sealer, login: Buffer, sealed: Buffer): Seen {
  const found: unknown = JSON.parse(openText(sealer, purposeOf(login), sealed));
  const seen = isRecord(found) ? found : {};
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  return {
    deviceName: text(seen["deviceName"]),
    address: text(seen["address"]),
    zone: zones.find((zone) => zone === seen["zone"]) ?? null,
  };
}
