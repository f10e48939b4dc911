import { problem } from "#core/problem.ts";
import { setLanguage } from "#identity/accounts/account-store.ts";
import type { CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { textOf } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import type { Queryable } from "#storage/database.ts";

/** RFC 5646 §2.1, without private use and grandfathered tags. */
const languageTag = /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/;

export interface Preferences {
  /** `{ language }`, a BCP 47 tag. */
  readonly changeAccount: CallHandler;
}

export function createPreferences(deps: {
  readonly db: Queryable;
  readonly calls: Calls;
}): Preferences {
  return {
    changeAccount: deps.calls.change(
      { action: "account-change", name: "language" },
      async ({ account, request }) => {
        const language = textOf(request.body, "language", identityLimits.languageChars);
        if (language === null || !languageTag.test(language))
          return problemAnswer(problem("parameter-invalid", { at: "language" }));
        await setLanguage(deps.db, account.id, language);
        return answer({ language });
      },
    ),
  };
}
