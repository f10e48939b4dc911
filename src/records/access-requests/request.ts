import type { Instant } from "#core/clock.ts";
import { toIso } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import type { PersonRole } from "#core/policy-request.ts";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import {
  answerRule,
  daysAfter,
  extensionRule,
  legalDay,
  type DenialGround,
} from "#records/access-requests/rule.ts";

export const requestForms = ["portal", "pdf", "web-page", "fhir", "paper", "other"] as const;
export type RequestForm = (typeof requestForms)[number];

/** Who did something in the register, and when. */
export interface Deed {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly account: AccountId;
  readonly role: PersonRole | null;
}

export interface Extension extends Deed {
  /** In writing, for the person who asked. */
  readonly reason: string;
  readonly until: string;
}

export type RequestState =
  | { readonly state: "open" }
  | ({ readonly state: "fulfilled"; readonly how: string } & Deed)
  | ({
      readonly state: "denied";
      readonly grounds: readonly DenialGround[];
      readonly reason: string;
      /** Whether the rest was given. */
      readonly inPart: boolean;
    } & Deed)
  | ({ readonly state: "withdrawn" } & Deed);

/** One request for access, as it stands at one of its versions. */
export interface AccessRequest {
  /** FHIR id of the Patient. */
  readonly patient: string;
  /** As the record had it when it was asked: whoever decides sees no more of the record than this. */
  readonly person: { readonly name: string | null; readonly birthDate: string | null };
  readonly asked: Deed;
  /** The first and the last day of the time to answer, 2026-01-31. */
  readonly askedOn: string;
  readonly dueOn: string;
  readonly wants: string;
  readonly form: RequestForm;
  /** Where to, in the person's own words; null for the portal alone. */
  readonly sendTo: string | null;
  readonly extension: Extension | null;
  readonly now: RequestState;
}

export type Act =
  | { readonly act: "extend"; readonly reason: string }
  | { readonly act: "fulfil"; readonly how: string }
  | {
      readonly act: "deny";
      readonly grounds: readonly DenialGround[];
      readonly reason: string;
      readonly inPart: boolean;
    }
  | { readonly act: "withdraw" };

export type Asking = Pick<AccessRequest, "patient" | "person" | "wants" | "form" | "sendTo">;

export function newRequest(asking: Asking, by: Omit<Deed, "at">, at: Instant): AccessRequest {
  const askedOn = legalDay(at);
  return {
    ...asking,
    asked: { ...by, at: toIso(at) },
    askedOn,
    dueOn: daysAfter(askedOn, answerRule.days),
    extension: null,
    now: { state: "open" },
  };
}

const cannot = (detail: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at: "act", detail });

function extended(
  request: AccessRequest,
  reason: string,
  deed: Deed,
  at: Instant,
): Result<AccessRequest> {
  if (request.extension !== null) return cannot("The time was extended once already.");
  // The written reason must reach the person within the first period: 164.524(b)(2)(iii)(A).
  if (legalDay(at) > request.dueOn) return cannot("The first 30 days are over.");
  const until = daysAfter(request.askedOn, answerRule.days + extensionRule.days);
  return ok({ ...request, dueOn: until, extension: { ...deed, reason, until } });
}

/** The request after an act; fails as "parameter-invalid" when it is closed or the law does not allow it. */
export function perform(
  request: AccessRequest,
  act: Act,
  by: Omit<Deed, "at">,
  at: Instant,
): Result<AccessRequest> {
  if (request.now.state !== "open") return cannot("The request was answered already.");
  const deed: Deed = { ...by, at: toIso(at) };
  switch (act.act) {
    case "extend":
      return extended(request, act.reason, deed, at);
    case "fulfil":
      return ok({ ...request, now: { ...deed, state: "fulfilled", how: act.how } });
    case "deny": {
      const { grounds, reason, inPart } = act;
      return ok({ ...request, now: { ...deed, state: "denied", grounds, reason, inPart } });
    }
    case "withdraw":
      return ok({ ...request, now: { ...deed, state: "withdrawn" } });
    default:
      return unreachable(act);
  }
}
