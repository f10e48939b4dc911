import { toIso, type Clock } from "#core/clock.ts";
import { problem } from "#core/problem.ts";
import type { OwnSession } from "#core/wire.ts";
import type { Call, CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { openSeen } from "#identity/sessions/seen.ts";
import { liveSessionsOf, type ListedSession } from "#identity/sessions/session-store.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface OwnSessionDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly calls: Calls;
  readonly sessions: Pick<Sessions, "endBrowser" | "endAccount">;
}

export interface OwnSessions {
  /** `{ items: OwnSession[] }`: where the person is signed in, last used first. */
  readonly sessions: CallHandler;
  /** Signs the browser of one session out; "not-found" when it is not a live session of hers. */
  readonly endSession: CallHandler;
  /** Signs out everywhere, this browser too. */
  readonly signOutEverywhere: CallHandler;
}

function shown(sealer: Sealer, row: ListedSession, here: string): OwnSession {
  const { login, seenSealed } = row;
  const seen = seenSealed === null ? null : openSeen(sealer, login, seenSealed);
  return {
    id: row.id,
    deviceName: seen?.deviceName ?? null,
    deviceKind: row.kind === "kiosk" ? "kiosk" : "browser",
    lastPlace: seen?.address ?? null,
    lastZone: seen?.zone ?? null,
    lastSeenAt: toIso(row.lastSeenAt),
    signedInAt: row.signedInAt === null ? null : toIso(row.signedInAt),
    apps: row.clients,
    isThis: row.id === here,
  };
}

export function createOwnSessions(deps: OwnSessionDeps): OwnSessions {
  const { calls, sealer, sessions } = deps;
  const live = ({ account }: Call): Promise<readonly ListedSession[]> =>
    liveSessionsOf(deps.db, account.id, deps.clock.now());
  return {
    sessions: calls.read(async (call) => {
      const rows = await live(call);
      return answer({ items: rows.map((row) => shown(sealer, row, call.claims.session)) });
    }),
    endSession: calls.end({ action: "sign-out", name: "session-ended" }, async (call) => {
      const found = (await live(call)).find(({ id }) => id === call.request.id);
      if (found === undefined) return problemAnswer(problem("not-found"));
      await sessions.endBrowser(found.browser);
      return answer({ ended: true });
    }),
    signOutEverywhere: calls.end(
      { action: "sign-out", name: "everywhere" },
      async ({ account }) => {
        await sessions.endAccount(account.id);
        return answer({ signedOut: true });
      },
    ),
  };
}
