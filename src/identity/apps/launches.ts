import { laterBy, type Clock } from "#core/clock.ts";
import { parseResourceId, type AccountId, type ResourceId } from "#core/ids.ts";
import type { Random } from "#core/random.ts";
import { dropLaunch, findLaunch, insertLaunch } from "#identity/apps/launch-store.ts";
import { appLimits } from "#identity/apps/limits.ts";
import type { Blind } from "#identity/blind.ts";
import type { ClientId } from "#identity/clients/client.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface Launching {
  readonly account: AccountId;
  readonly client: ClientId;
}

/** Launches from a chart (SMART App Launch 2.2 §2.0.7): which patient an app is opened for, by whom. */
export interface Launches {
  /** The value of `launch` that the app is handed: 256 bits, for this person and app alone, 5 minutes. */
  begin(launching: Launching, patient: ResourceId): Promise<string>;
  /** Null when it was begun by another, for another app, or too long ago. */
  find(launching: Launching, launch: string): Promise<ResourceId | null>;
  /** Lets it serve: false when it has served already, as one value lets in once. */
  take(launch: string): Promise<boolean>;
}

export interface LaunchesDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly blind: Blind;
  readonly clock: Clock;
  readonly random: Random;
}

const purposeOf = (token: Buffer): string => `app-launch:${token.toString("base64url")}`;

export function createLaunches({ db, sealer, blind, clock, random }: LaunchesDeps): Launches {
  const hashOf = (launch: string): Buffer => blind("app-launch", launch);
  return {
    begin: async (launching, patient) => {
      const launch = random.bytes(32).toString("base64url");
      const token = hashOf(launch);
      const patientSealed = sealText(sealer, purposeOf(token), patient);
      const expiresAt = laterBy(clock.now(), appLimits.launchMs);
      await insertLaunch(db, { ...launching, token, patientSealed, expiresAt });
      return launch;
    },
    find: async (launching, launch) => {
      const token = hashOf(launch);
      const sealed = await findLaunch(db, { ...launching, token }, clock.now());
      return sealed === null ? null : parseResourceId(openText(sealer, purposeOf(token), sealed));
    },
    take: (launch) => dropLaunch(db, hashOf(launch)),
  };
}
