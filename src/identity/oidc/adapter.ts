import { errors, type Adapter, type AdapterFactory, type AdapterPayload } from "oidc-provider";
import { createBoundedCache } from "#core/bounded-cache.ts";
import { laterBy, type Clock, type Instant } from "#core/clock.ts";
import { isRecord } from "#core/jws.ts";
import { invariant } from "#core/result.ts";
import type { Blind } from "#identity/blind.ts";
import { coalesce } from "#identity/coalesce.ts";
import {
  consumeOidc,
  dropOidc,
  getOidc,
  grantOf,
  putOidc,
  putOidcOnce,
  type OidcKey,
  type OidcName,
  type OidcRow,
  type StoredOidc,
} from "#identity/oidc/oidc-store.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Sealer } from "#vault/sealer.ts";
import { endGrant } from "#identity/sessions/session-store.ts";
import type { Database } from "#storage/database.ts";

export interface AdapterDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly blind: Blind;
}

/** Proofs and assertions that this process took, kept so that most of them need no look-up. */
const proofsRemembered = 50_000;

interface SeenProof {
  readonly payload: AdapterPayload;
  readonly expiresAt: Instant;
}

/** The row's own place is bound in, so that a payload moved to another row does not open. */
const purposeOf = ({ model, id }: OidcKey): string => `oidc:${model}:${id.toString("base64url")}`;

function read(
  sealer: Sealer,
  model: string,
  stored: StoredOidc | null,
): AdapterPayload | undefined {
  if (stored === null) return undefined;
  const payload: unknown = JSON.parse(
    openText(sealer, purposeOf({ model, id: stored.id }), stored.sealed),
  );
  invariant(isRecord(payload), "a payload of the OpenID provider is no object");
  return stored.consumedAt === null
    ? payload
    : { ...payload, consumed: Math.floor(stored.consumedAt / 1_000) };
}

/** What a person let an app do while she is away does not end with her sign-out. */
const outlivesBrowser = (model: string, payload: AdapterPayload): boolean =>
  model === "RefreshToken" && payload.expiresWithSession !== true;

/**
 * Keeps what the OpenID provider stores in PostgreSQL: payloads sealed, ids by blind hash. A code
 * or refresh token used by two requests at once is an InvalidGrant for the later one and ends all
 * that stands on its grant. So is a DPoP proof shown twice InvalidGrant: the provider itself only
 * looks before it writes.
 */
export function createAdapter(deps: AdapterDeps): AdapterFactory {
  const { db, sealer, clock, blind } = deps;
  const optional = (kind: "oidc-grant" | "browser" | "oidc-user-code", id: unknown) =>
    typeof id === "string" ? blind(kind, id) : null;

  const foundBy = (name: OidcName) =>
    coalesce((keys: readonly OidcKey[]) => getOidc(db, name, keys, clock.now()));
  const found = { byId: foundBy("id"), byUid: foundBy("uid"), byUserCode: foundBy("user_code") };
  const put = coalesce(async (rows: readonly OidcRow[]) => {
    await putOidc(db, rows);
    return rows.map(() => undefined);
  });
  const putOnce = coalesce((rows: readonly OidcRow[]) => putOidcOnce(db, rows, clock.now()));
  const seen = createBoundedCache<string, SeenProof>(proofsRemembered);
  /** The database decides when it is written; what this process saw itself is told without asking it. */
  const findProof = (id: string): AdapterPayload | undefined => {
    const known = seen.get(id);
    return known !== undefined && clock.now() < known.expiresAt ? known.payload : undefined;
  };

  return (model): Adapter => {
    const keyOf = (id: string): OidcKey => ({ model, id: blind("oidc-id", id) });
    return {
      upsert: async (id, payload, expiresInSeconds = 0) => {
        const key = keyOf(id);
        const now = clock.now();
        const row = {
          ...key,
          grant: optional("oidc-grant", payload.grantId),
          uid: optional("browser", payload.uid),
          userCode: optional("oidc-user-code", payload.userCode),
          browser: outlivesBrowser(model, payload)
            ? null
            : optional("browser", payload.sessionUid ?? payload.uid),
          sealed: sealText(sealer, purposeOf(key), JSON.stringify(payload)),
          expiresAt: laterBy(now, expiresInSeconds * 1_000),
        };
        if (model !== "ReplayDetection") {
          await put(row);
          return;
        }
        if (!(await putOnce(row))) throw new errors.InvalidGrant("DPoP proof JWT Replay detected");
        seen.set(id, { payload, expiresAt: row.expiresAt });
      },
      find: async (id) =>
        model === "ReplayDetection"
          ? findProof(id)
          : read(sealer, model, await found.byId(keyOf(id))),
      findByUid: async (uid) =>
        read(sealer, model, await found.byUid({ model, id: blind("browser", uid) })),
      findByUserCode: async (code) =>
        read(sealer, model, await found.byUserCode({ model, id: blind("oidc-user-code", code) })),
      consume: async (id) => {
        const key = keyOf(id);
        if (await consumeOidc(db, key, clock.now())) return;
        const grant = await grantOf(db, key);
        if (grant !== null) await endGrant(db, grant, clock.now());
        throw new errors.InvalidGrant(`${model} already used`);
      },
      destroy: (id) => dropOidc(db, keyOf(id)),
      // Access tokens are not stored: they end with the session that they name.
      revokeByGrantId: (grantId) => endGrant(db, blind("oidc-grant", grantId), clock.now()),
    };
  };
}
