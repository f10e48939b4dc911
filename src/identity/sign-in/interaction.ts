import type { IncomingMessage, ServerResponse } from "node:http";
import { errors, type Interaction, type InteractionResults, type Provider } from "oidc-provider";
import type { Instant } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { AccountId } from "#core/ids.ts";
import { markProven, type ProvenBrowserDeps } from "#identity/sign-in/proven-browser.ts";
import type { Sessions } from "#identity/sessions/session.ts";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** RFC 8176: how the person proved herself. */
export type Amr = readonly ["hwk", "user"] | readonly ["pwd", "otp"] | OutsideAmr;

/** As another house's ID token said it; may be empty. */
export type OutsideAmr = readonly string[];

/** The authorization request that waits for a sign-in, as the browser's cookie and the address name it. */
export interface Interactions {
  /** Fails as "sign-in-expired" when the cookie is missing, another's, or too old. */
  find(exchange: Exchange, uid: string, prompt?: "login" | "consent"): Promise<Result<Interaction>>;
  /** Lets the waiting request go on as this person; the address to go to. */
  finish(exchange: Exchange, interaction: Interaction, as: SignedIn): Promise<string>;
}

export interface SignedIn {
  readonly account: AccountId;
  readonly amr: Amr;
  /** From when on the sign-in counts; now when it is not given. */
  readonly at?: Instant;
}

export interface InteractionsDeps extends ProvenBrowserDeps {
  readonly provider: Provider;
  readonly sessions: Sessions;
}

export function createInteractions(deps: InteractionsDeps): Interactions {
  const { provider, sessions } = deps;
  return {
    find: async ({ request, response }, uid, prompt = "login") => {
      try {
        const interaction = await provider.interactionDetails(request, response);
        return interaction.uid === uid && interaction.prompt.name === prompt
          ? ok(interaction)
          : refuse("sign-in-expired");
      } catch (error) {
        if (error instanceof errors.SessionNotFound) return refuse("sign-in-expired");
        throw error;
      }
    },
    finish: async ({ request, response }, interaction, { account, amr, at }) => {
      const before = interaction.session;
      if (before !== undefined && before.accountId !== account) {
        // Another person sat here: what she was signed in to ends before the next one begins.
        await sessions.endBrowser(sessions.browserOf(before.uid));
        interaction.session = undefined;
        await interaction.persist();
      }
      const result: InteractionResults = {
        login: {
          accountId: account,
          amr: [...amr],
          remember: false,
          ...(at === undefined ? {} : { ts: Math.floor(at / 1_000) }),
        },
        ...markProven({ request, response }, deps),
      };
      return provider.interactionResult(request, response, result, {
        mergeWithLastSubmission: false,
      });
    },
  };
}
