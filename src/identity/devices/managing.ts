import { laterBy, toIso, type Clock } from "#core/clock.ts";
import type { DeviceId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { DeviceCertificateMade } from "#core/wire.ts";
import { issueDeviceCertificate, type DeviceAuthority } from "#identity/devices/certificate.ts";
import {
  keepCertificate,
  keysWithEndedEvidence,
  setManager,
} from "#identity/devices/certificate-store.ts";
import { findDevice, type DeviceRow } from "#identity/devices/device-record-store.ts";
import { revokeEvidence, settleLevel } from "#identity/devices/evidence-store.ts";
import { revokeOthersPostures } from "#identity/devices/posture-store.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Database } from "#storage/database.ts";

export interface ManagingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly deviceAuthority: DeviceAuthority;
}

/** What is done with devices that somebody manages. */
export interface Managing {
  /**
   * `{ managedBy }`: who manages the device from now on; null for nobody, and then its certificates
   * and attestations count no more. Fails as "not-found" or "parameter-invalid".
   */
  enrol(device: DeviceId, body: JsonObject): Promise<Result<{ readonly managedBy: string | null }>>;
  /**
   * `{ csr }`: a certificate for a managed device, without which its key is good for nothing from
   * now on. Fails as "not-found", "forbidden" when nobody manages it, or "parameter-invalid".
   */
  certify(device: DeviceId, body: JsonObject): Promise<Result<DeviceCertificateMade>>;
}

const keysPerSettling = 500;

/** Takes the rungs away that stood on evidence which has ended within this time. */
export async function settleEnded(
  { db, clock }: Pick<ManagingDeps, "db" | "clock">,
  withinMs: number = identityLimits.endedSessionMs,
): Promise<void> {
  const now = clock.now();
  const since = laterBy(now, -withinMs);
  for (const jkt of await keysWithEndedEvidence(db, { since, now, limit: keysPerSettling }))
    await db.transaction((tx) => settleLevel(tx, jkt, now));
}

export function createManaging(deps: ManagingDeps): Managing {
  const { db, clock, random, deviceAuthority: authority } = deps;
  const known = async (device: DeviceId): Promise<DeviceRow | null> => {
    const row = await findDevice(db, device, clock.now());
    return row === null || row.lostAt !== null || row.level === 0 ? null : row;
  };
  return {
    enrol: async (device, body) => {
      const given = body["managedBy"];
      const managedBy = textOf(body, "managedBy", identityLimits.deviceNameChars);
      if (managedBy === null && given !== null)
        return refuse("parameter-invalid", { at: "managedBy" });
      const row = await known(device);
      if (row === null) return refuse("not-found");
      const now = clock.now();
      await db.transaction(async (tx) => {
        await setManager(tx, row.jkt, managedBy);
        if (managedBy === null) await revokeEvidence(tx, row.jkt, now);
        else await revokeOthersPostures(tx, row.jkt, { manager: managedBy, now });
        await settleLevel(tx, row.jkt, now);
      });
      return ok({ managedBy });
    },
    certify: async (device, { csr }) => {
      const row = await known(device);
      if (row === null) return refuse("not-found");
      if (row.managedBy === null) return { ok: false, problem: problem("forbidden") };
      const made = await issueDeviceCertificate(csr, row.id, { authority, clock, random });
      if (!made.ok) return made;
      const { certificate, thumbprint, endsAt } = made.value;
      const now = clock.now();
      await db.transaction(async (tx) => {
        const issued = { id: random.uuid(), jkt: row.jkt, thumbprint, endsAt, now };
        await keepCertificate(tx, issued);
        await settleLevel(tx, row.jkt, now);
      });
      return ok({
        certificate,
        authority: authority.certificate,
        thumbprint,
        expiresAt: toIso(endsAt),
      });
    },
  };
}
