import { laterBy, type Clock } from "#core/clock.ts";
import { parseDeviceId, parseSessionId } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import type { ClientId } from "#identity/clients/client.ts";
import { accountOfService } from "#identity/clients/registry.ts";
import {
  findServiceSession,
  touchServiceSession,
} from "#identity/clients/service-session-store.ts";
import type { Sessions, TokenSession, TokenUse } from "#identity/sessions/session.ts";
import type { Queryable } from "#storage/database.ts";

export interface ServiceSessionDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly random: Random;
  readonly findAccount: FindAccount;
  readonly sessions: Pick<Sessions, "begin">;
}

/** Activity is written down no more often: each writing makes all copies of the live view read it. */
export const serviceTouchMs = 60_000;

/**
 * The session of a backend service on the device of this key, begun when none is there. It is
 * as a person's: who ends it, or the service, cuts its tokens off. Null when the service has no
 * account that is open.
 */
export type OpenServiceSession = (
  client: ClientId,
  use: Pick<TokenUse, "jkt" | "level" | "seen">,
) => Promise<TokenSession | null>;

export function createServiceSessions(deps: ServiceSessionDeps): OpenServiceSession {
  const { db, clock, random, sessions } = deps;
  return async (client, { jkt, level, seen }) => {
    const account = await deps.findAccount(accountOfService(client));
    if (account === null) return null;
    const now = clock.now();
    const neededMs = limits.accessTokenSeconds * 1_000;
    const found = await findServiceSession(db, { account: account.id, jkt, now, neededMs });
    const isFresh = found !== null && now < laterBy(found.lastSeen, serviceTouchMs);
    if (found !== null && (isFresh || (await touchServiceSession(db, found.id, now)))) {
      const session = parseSessionId(found.id);
      const device = parseDeviceId(found.device);
      invariant(session !== null && device !== null, "a session's id is no uuid");
      return { session, device };
    }
    const login = { browserUid: `service:${random.uuid()}`, at: now };
    const grant = `service:${random.uuid()}`;
    const use = { jkt, level, span: "sign-in", client, grant, seen } as const;
    return sessions.begin(login, account, use);
  };
}
