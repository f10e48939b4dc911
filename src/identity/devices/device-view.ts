import { toIso, type Instant } from "#core/clock.ts";
import { parseAccountId, type DeviceId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";
import type { KnownDevice, OwnDevice } from "#core/wire.ts";
import { displayNamePurpose } from "#identity/accounts/account.ts";
import type { DeviceRow } from "#identity/devices/device-record-store.ts";
import { attestationOf, type Evidence } from "#identity/devices/ladder.ts";
import { isFirstParty } from "#identity/oidc/clients.ts";
import { openText } from "#identity/sealed.ts";
import { openSeen } from "#identity/sessions/seen.ts";
import type { Sealer } from "#vault/sealer.ts";

export const deviceNamePurpose = (id: string): string => `device-name:${id}`;

function kindOf({ kind, accountKind, clients }: DeviceRow): OwnDevice["kind"] {
  if (kind === "kiosk") return "kiosk";
  if (accountKind === "service") return "service";
  return clients !== null && !clients.some(isFirstParty) ? "app" : "browser";
}

export interface ShowDevice {
  readonly sealer: Sealer;
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
  readonly now: Instant;
  /** The device that asks; null when an operator does. */
  readonly here: DeviceId | null;
}

/** Throws BrokenInvariant when what is sealed of it does not open. */
export function shownDevice(
  row: DeviceRow,
  { sealer, evidence, now, here }: ShowDevice,
): OwnDevice {
  const { login, seenSealed, nameSealed } = row;
  const seen = login === null || seenSealed === null ? null : openSeen(sealer, login, seenSealed);
  const name = nameSealed === null ? null : openText(sealer, deviceNamePurpose(row.id), nameSealed);
  return {
    id: row.id,
    name: name ?? seen?.deviceName ?? null,
    kind: kindOf(row),
    level: row.level,
    managedBy: row.managedBy,
    attestation: attestationOf(evidence.get(row.jkt) ?? [], now),
    firstSeenAt: toIso(row.firstSeen),
    lastSeenAt: toIso(row.lastSeen),
    lastPlace: seen?.address ?? null,
    lastZone: seen?.zone ?? null,
    isSignedIn: row.isSignedIn,
    lostAt: row.lostAt === null ? null : toIso(row.lostAt),
    isThis: row.id === here,
  };
}

/** With whose it is, for those who keep everybody's devices. */
export function shownWithOwner(row: DeviceRow, show: ShowDevice): KnownDevice {
  const account = parseAccountId(row.account);
  invariant(account !== null, "a device's account is no uuid");
  const displayName = openText(show.sealer, displayNamePurpose(account), row.ownerName);
  return { ...shownDevice(row, show), owner: { id: account, displayName } };
}
