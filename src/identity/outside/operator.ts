import type { Clock } from "#core/clock.ts";
import { parseAccountId, type AccountId } from "#core/ids.ts";
import { problem, refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Blind } from "#identity/blind.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { textOf, type JsonObject } from "#identity/http/body.ts";
import { namedAccount } from "#identity/operator/named-account.ts";
import { outsideLimits } from "#identity/outside/limits.ts";
import type { Links } from "#identity/outside/links.ts";
import { outsideCallback } from "#identity/outside/outside-sign-in.ts";
import { parseNewProvider, parseOutsideProviderId } from "#identity/outside/provider.ts";
import {
  deleteProvider,
  findProvider,
  listProviders,
  putProvider,
} from "#identity/outside/provider-store.ts";
import { secretPurpose } from "#identity/outside/relying-party.ts";
import { sealText } from "#identity/sealed.ts";
import type { Trail } from "#identity/trail.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface OutsideOperatorDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly blind: Blind;
  readonly links: Links;
  readonly trail: Trail;
  /** Who loses her link loses what she is signed in to. */
  readonly sessions: Pick<Sessions, "endAccount">;
  readonly publicOrigin: string;
}

export const outsideOperatorActions = ["add", "list", "remove", "link", "unlink"] as const;
export type OutsideOperatorAction = (typeof outsideOperatorActions)[number];

/** What operators' commands may ask about providers of other houses, by mutual TLS as role operator. */
export type OutsideOperator = Readonly<
  Record<OutsideOperatorAction, (body: JsonObject) => Promise<Answer>>
>;

export function createOutsideOperator(deps: OutsideOperatorDeps): OutsideOperator {
  const { db, links, trail } = deps;

  /** Every change is in the log before it is answered. */
  const noted = async (reason: string, about: AccountId | null, body: unknown): Promise<Answer> => {
    const unwritten = await trail.note({
      action: "enrol",
      facts: null,
      actor: "process:operator",
      resourceId: about,
      reasons: [reason],
    });
    return unwritten === null ? answer(body) : problemAnswer(unwritten);
  };

  const accountOf = async (body: JsonObject): Promise<Result<AccountId>> => {
    const account = await namedAccount(deps, body, "account");
    return account === null ? refuse("not-found", { at: "account" }) : ok(account);
  };

  const providerOf = async (body: JsonObject) => {
    const id = parseOutsideProviderId(textOf(body, "provider", 32) ?? "");
    return id === null ? null : findProvider(db, id);
  };
  const noProvider = (): Answer => problemAnswer(problem("not-found", { at: "provider" }));

  return {
    add: async (body) => {
      const wanted = parseNewProvider(body);
      if (!wanted.ok) return problemAnswer(wanted.problem);
      const { provider, secret } = wanted.value;
      const secretSealed = sealText(deps.sealer, secretPurpose(provider), secret);
      const limit = { now: deps.clock.now(), max: outsideLimits.providers };
      const isStored = await putProvider(db, { provider, secretSealed }, limit);
      if (!isStored) {
        const detail = `This issuer has another name here, or this name another issuer, or there are ${outsideLimits.providers} already.`;
        return problemAnswer(problem("edit-conflict", { detail }));
      }
      const redirectUri = outsideCallback(deps.publicOrigin, provider.id);
      return noted(`outside-provider-set:${provider.id}`, null, { redirectUri });
    },
    list: async () => answer({ providers: await listProviders(db), ...(await links.list()) }),
    remove: async (body) => {
      const stored = await providerOf(body);
      if (stored === null) return noProvider();
      const linked = await db.transaction((tx) => deleteProvider(tx, stored.provider.id));
      for (const account of linked.flatMap((text) => parseAccountId(text) ?? []))
        await deps.sessions.endAccount(account);
      return noted(`outside-provider-removed:${stored.provider.id}`, null, { removed: true });
    },
    link: async (body) => {
      const account = await accountOf(body);
      if (!account.ok) return problemAnswer(account.problem);
      const reference = textOf(body, "reference", 32);
      if (reference !== null) {
        const approved = await links.approve(reference, account.value);
        return approved.ok
          ? noted(`outside-linked:${approved.value.provider}`, account.value, { linked: true })
          : problemAnswer(approved.problem);
      }
      const sub = textOf(body, "sub", outsideLimits.subjectChars);
      if (sub === null) return problemAnswer(problem("parameter-invalid", { at: "sub" }));
      const stored = await providerOf(body);
      if (stored === null) return noProvider();
      const linked = await links.link(stored.provider, sub, account.value);
      return linked.ok
        ? noted(`outside-linked:${stored.provider.id}`, account.value, { linked: true })
        : problemAnswer(linked.problem);
    },
    unlink: async (body) => {
      const account = await accountOf(body);
      if (!account.ok) return problemAnswer(account.problem);
      const stored = await providerOf(body);
      if (stored === null || !(await links.unlink(stored.provider.id, account.value)))
        return noProvider();
      await deps.sessions.endAccount(account.value);
      return noted(`outside-unlinked:${stored.provider.id}`, account.value, { unlinked: true });
    },
  };
}
