import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import { parseResourceId, type AccountId, type ResourceId } from "#core/ids.ts";
import { isRecord } from "#core/jws.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { endAppGrant, insertGrant, listGrants, useGrant } from "#identity/apps/grant-store.ts";
import { appLimits } from "#identity/apps/limits.ts";
import type { Blind } from "#identity/blind.ts";
import type { ClientId } from "#identity/clients/client.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

/** What a person let an app do. */
export interface Granted {
  readonly scopes: readonly string[];
  /** The patient in context (SMART App Launch 2.2 §2.0.10); null when the app asked for none. */
  readonly patient: ResourceId | null;
}

export interface Consented extends Granted {
  readonly account: AccountId;
  readonly client: ClientId;
  /** The OpenID provider's name for it. */
  readonly grant: string;
}

export interface ListedGrant extends Granted {
  readonly id: string;
  readonly client: string;
  readonly grantedAt: Instant;
  readonly lastUsedAt: Instant | null;
  readonly endsAt: Instant;
}

/** What people let apps do that are not our own. */
export interface AppGrants {
  put(consented: Consented): Promise<void>;
  /** Notes that a token was asked for. Null when the grant has ended, or there is none: no token then. */
  use(grant: string): Promise<Granted | null>;
  /** Those by which an app can still do anything. */
  list(account: AccountId): Promise<readonly ListedGrant[]>;
  /** Ends it with its codes, tokens and sessions at once; false when the account has no such grant. */
  end(account: AccountId, id: string): Promise<boolean>;
}

export interface AppGrantsDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly blind: Blind;
  readonly clock: Clock;
  readonly random: Random;
}

export const mayWorkOffline = ({ scopes }: Pick<Granted, "scopes">): boolean =>
  scopes.includes("offline_access");

/** From consent to the end, however busy the app is. */
export const grantMs = (granted: Pick<Granted, "scopes">): number =>
  mayWorkOffline(granted) ? appLimits.offlineMaxMs : appLimits.onlineMaxMs;

const purposeOf = (id: string): string => `app-grant:${id}`;

function readGranted(text: string): Granted {
  const value: unknown = JSON.parse(text);
  const scopes: unknown = isRecord(value) ? value["scopes"] : null;
  const patient: unknown = isRecord(value) ? value["patient"] : null;
  invariant(Array.isArray(scopes), "an app's grant has no scopes");
  return {
    scopes: scopes.filter((scope): scope is string => typeof scope === "string"),
    patient: typeof patient === "string" ? parseResourceId(patient) : null,
  };
}

export function createAppGrants(deps: AppGrantsDeps): AppGrants {
  const { db, sealer, blind, clock, random } = deps;
  const open = ({ id, sealed }: { readonly id: string; readonly sealed: Buffer }): Granted =>
    readGranted(openText(sealer, purposeOf(id), sealed));
  return {
    put: async ({ account, client, grant, scopes, patient }) => {
      const id = random.uuid();
      const grantedAt = clock.now();
      await insertGrant(db, {
        id,
        account,
        client,
        grant: blind("oidc-grant", grant),
        sealed: sealText(sealer, purposeOf(id), JSON.stringify({ scopes, patient })),
        grantedAt,
        endsAt: laterBy(grantedAt, grantMs({ scopes })),
      });
    },
    use: async (grant) => {
      const row = await useGrant(db, blind("oidc-grant", grant), clock.now());
      return row === null ? null : open(row);
    },
    list: async (account) => {
      const rows = await listGrants(db, account, clock.now());
      return rows.map(({ sealed, ...row }) => ({ ...row, ...open({ id: row.id, sealed }) }));
    },
    end: (account, id) =>
      db.transaction((tx) => endAppGrant(tx, { account, id, now: clock.now() })),
  };
}
