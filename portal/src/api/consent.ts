import { readOffer, type ConsentOffer } from "../consent/read.ts";
import { at, text } from "../fhir/json.ts";
import { ask, expected } from "./ask.ts";
import type { Outcome } from "./failure.ts";

export type ConsentGiven =
  | { readonly allow: false }
  | { readonly allow: true; readonly scopes: readonly string[]; readonly patient: string | null };

/** What the consent page asks of the identity service. */
export interface ConsentApi {
  readonly offer: () => Promise<Outcome<ConsentOffer>>;
  /** Gives the address on our own origin to go on to. */
  readonly answer: (given: ConsentGiven) => Promise<Outcome<string>>;
}

export function createConsentApi(uid: string, origin: string): ConsentApi {
  const base = `/consent/${encodeURIComponent(uid)}`;
  const onward = (body: unknown): string | null => {
    const to = text(at(body, "redirectTo"));
    if (to === null || !URL.canParse(to, origin)) return null;
    const target = new URL(to, origin);
    return target.origin === origin ? target.href : null;
  };
  return {
    offer: async () => {
      const answer = await ask("GET", `${base}/offer`);
      return answer.ok ? expected(readOffer(answer.value)) : answer;
    },
    answer: async (given) => {
      const answer = await ask("POST", `${base}/answer`, given);
      return answer.ok ? expected(onward(answer.value)) : answer;
    },
  };
}
