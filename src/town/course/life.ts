import type { Day } from "#town/calendar.ts";
import type { AilmentKey } from "#town/codes/ailments.ts";
import type { Allergy } from "#town/codes/allergies.ts";
import type { Episode } from "#town/codes/episodes.ts";
import type { MedicineKey } from "#town/codes/medicines.ts";

/** A lasting condition of one person. */
export interface Problem {
  readonly key: AilmentKey;
  readonly onset: Day;
  /** When a clinician first wrote it down, here or elsewhere. */
  readonly noticed: Day;
}

/** A medicine taken for a lasting condition. */
export interface Treatment {
  readonly medicine: MedicineKey;
  readonly reason: AilmentKey;
  readonly start: Day;
}

export interface Bout {
  readonly episode: Episode;
  readonly day: Day;
  readonly emergency: boolean;
}

export interface Pregnancy {
  readonly start: Day;
  readonly due: Day;
  /** Null while it lasts. */
  readonly birth: Day | null;
}

export type VisitReason =
  | { readonly kind: "first" }
  | { readonly kind: "wellness" }
  | { readonly kind: "wellChild" }
  | { readonly kind: "followUp"; readonly problems: readonly Problem[] }
  | { readonly kind: "specialist"; readonly problems: readonly [Problem] }
  | { readonly kind: "bout"; readonly bout: Bout }
  | { readonly kind: "prenatal"; readonly pregnancy: Pregnancy; readonly first: boolean }
  | { readonly kind: "birth"; readonly pregnancy: Pregnancy };

export interface PlannedVisit {
  readonly day: Day;
  readonly reason: VisitReason;
}

export type Smoking = "never" | "former" | "current";

/** The whole course of a person's health, before any of it is written down. */
export interface Life {
  readonly problems: readonly Problem[];
  readonly treatments: readonly Treatment[];
  readonly bouts: readonly Bout[];
  readonly pregnancies: readonly Pregnancy[];
  readonly allergies: readonly Allergy[];
  readonly smoking: Smoking;
  readonly visits: readonly PlannedVisit[];
}
