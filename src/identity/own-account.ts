import { toIso } from "#core/clock.ts";
import type { Me } from "#core/wire.ts";
import type { CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer } from "#identity/http/answer.ts";
import type { Sessions } from "#identity/sessions/session.ts";

export interface OwnAccount {
  /** Me of core/wire.ts. */
  readonly me: CallHandler;
  /**
   * Ends the session everywhere: this browser's sign-on, its tokens, its live sessions, what it may keep
   * offline. `{ idle: true }`, when nobody was there any more, leaves the last.
   */
  readonly signOut: CallHandler;
}

export function createOwnAccount(calls: Calls, sessions: Sessions): OwnAccount {
  return {
    me: calls.read(async ({ account, session }) => {
      const me: Me = {
        account: account.id,
        displayName: account.displayName,
        roles: account.roles,
        patients: [...new Set([...account.patients, ...session.actsFor])],
        actsFor: session.actsFor,
        practitioner: account.practitioner,
        language: account.language,
        sessionEndsAt: toIso(session.endsAt),
        idleMs: session.idleMs,
      };
      return answer(me);
    }),
    signOut: calls.end({ action: "sign-out", name: "signed-out" }, async ({ session, request }) => {
      const how = request.body["idle"] === true ? "idle" : "signed-out";
      await sessions.endBrowser(session.browser, how);
      return answer({ signedOut: true });
    }),
  };
}
