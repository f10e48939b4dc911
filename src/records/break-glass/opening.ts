import { laterBy, toIso, type Instant } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { EmergencyFinding } from "#core/wire.ts";
import type { EmergencyRules } from "#records/break-glass/rules.ts";
import type { ChartPerson } from "#records/chart-person.ts";

export interface Review {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly account: AccountId;
  readonly finding: EmergencyFinding;
  readonly words: string;
}

/** A chart opened in an emergency, as it stands at one of its versions. */
export interface EmergencyOpening {
  /** FHIR id of the Patient. */
  readonly patient: string;
  readonly person: ChartPerson;
  readonly account: AccountId;
  readonly reason: string;
  /** How many the same person opened within the window, up to this one. */
  readonly count: number;
  /** In ms since the epoch, as everything here that is compared. */
  readonly openedAt: Instant;
  readonly endsAt: Instant;
  readonly closedAt: Instant | null;
  readonly review: Review | null;
}

export type Act =
  | { readonly act: "close" }
  | { readonly act: "review"; readonly finding: EmergencyFinding; readonly words: string };

export type Opened = Pick<
  EmergencyOpening,
  "patient" | "person" | "account" | "reason" | "count" | "openedAt"
>;

export function newOpening(opened: Opened, { lastsMs }: EmergencyRules): EmergencyOpening {
  const endsAt = laterBy(opened.openedAt, lastsMs);
  return { ...opened, endsAt, closedAt: null, review: null };
}

export const isOpenAt = ({ endsAt }: Pick<EmergencyOpening, "endsAt">, at: Instant): boolean =>
  at < endsAt;

const shut = (opening: EmergencyOpening, at: Instant): EmergencyOpening =>
  isOpenAt(opening, at) ? { ...opening, endsAt: at, closedAt: at } : opening;

const cannot = (detail: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at: "act", detail });

/**
 * The opening after an act. Only who opened it closes it, and nobody reviews her own; what is found
 * not to be justified ends at once. Fails as "forbidden", or as "parameter-invalid" when it is over
 * or was reviewed already.
 */
export function perform(
  opening: EmergencyOpening,
  act: Act,
  by: { readonly account: AccountId; readonly at: Instant },
): Result<EmergencyOpening> {
  const { account, at } = by;
  const isOwn = opening.account === account;
  switch (act.act) {
    case "close":
      if (!isOwn) return refuse("forbidden");
      return isOpenAt(opening, at) ? ok(shut(opening, at)) : cannot("It is over already.");
    case "review": {
      if (isOwn) return refuse("forbidden", { detail: "Another officer reviews your own." });
      if (opening.review !== null) return cannot("It was reviewed already.");
      const { finding, words } = act;
      const reviewed = { ...opening, review: { at: toIso(at), account, finding, words } };
      return ok(finding === "not-justified" ? shut(reviewed, at) : reviewed);
    }
    default:
      return unreachable(act);
  }
}
