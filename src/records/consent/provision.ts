import type { PolicyAction } from "#core/policy-request.ts";
import type { Bounds } from "#records/fhir/dates.ts";

/**
 * What one condition of a provision asks for: any of the values that this program knows. `unclear`:
 * there are others beside them, which it does not know.
 */
export interface Wanted {
  readonly known: readonly string[];
  readonly unclear: boolean;
}

/**
 * One provision of a Consent (R4 §6.2.6), as far as it can be evaluated. A condition that is null is
 * not set. Its exceptions say otherwise for a part of what it says.
 */
export interface Provision {
  readonly effect: "permit" | "deny";
  /** In ms since the epoch, both ends within. */
  readonly period: Bounds | null;
  /** `Practitioner/id`, `patient` or `representative`. */
  readonly actors: Wanted | null;
  /** Codes of FHIR's consentaction. */
  readonly actions: Wanted | null;
  /** HL7 v3 PurposeOfUse. */
  readonly purposes: Wanted | null;
  /** FHIR resource types. */
  readonly types: Wanted | null;
  /** Sensitivity labels. */
  readonly labels: Wanted | null;
  /** It sets a condition that is not evaluated, such as single documents or a time of the data. */
  readonly unclear: boolean;
  readonly exceptions: readonly Provision[];
}

/** Forbids everything: what a Consent that cannot be understood is taken for. */
export const forbidAll: Provision = {
  effect: "deny",
  period: null,
  actors: null,
  actions: null,
  purposes: null,
  types: null,
  labels: null,
  unclear: false,
  exceptions: [],
};

/** How the caller stands to the patient whose Consent it is. */
export type Standing = "patient" | "representative" | "other";

export interface ConsentQuestion {
  readonly standing: Standing;
  /** The caller's Practitioner; null when there is none. */
  readonly practitioner: string | null;
  readonly action: PolicyAction;
  readonly purpose: string;
  readonly type: string;
  /** As far as they are known: none before a resource is open. */
  readonly labels: readonly string[];
  /** Now, in ms since the epoch. */
  readonly at: number;
}

const looking = ["access", "use", "disclose"];

/**
 * What of FHIR's consentaction each of ours is. A change shows what is changed, so that whoever may
 * not look may not change; writing down something new shows nothing.
 */
const consentActions: Readonly<Record<PolicyAction, readonly string[]>> = {
  read: looking,
  search: looking,
  history: looking,
  create: ["collect"],
  update: [...looking, "correct"],
  delete: [...looking, "correct"],
  relabel: [...looking, "correct"],
  export: looking,
  match: looking,
  merge: [...looking, "correct"],
  // None is a look at the record.
  "access-log": [],
  "audit-read": [],
  "access-request": [],
  "access-register": [],
  "break-glass": [],
  "break-glass-review": [],
  import: [],
};

/** A purpose and those that it is a kind of: HL7 v3 ActReason has BTG below ETREAT below TREAT. */
function withBroader(purpose: string): readonly string[] {
  return purpose === "BTG" ? ["BTG", "ETREAT", "TREAT"] : [purpose];
}

/** Whether conditions that cannot be told count as met: for what forbids they do, for what permits not. */
type Doubt = boolean;

function meets(wanted: Wanted | null, values: readonly string[], doubt: Doubt): boolean {
  if (wanted === null) return true;
  return values.some((value) => wanted.known.includes(value)) || (doubt && wanted.unclear);
}

function isMeantAction({ actions }: Provision, asked: ConsentQuestion, doubt: Doubt): boolean {
  const own = consentActions[asked.action];
  // R4 leaves open what is meant where no action is named; we take looking for it.
  if (actions === null) return own.includes("access");
  return own.length > 0 && meets(actions, own, doubt);
}

function actorNames({ standing, practitioner }: ConsentQuestion): readonly string[] {
  if (standing !== "other") return [standing];
  return practitioner === null ? [] : [`Practitioner/${practitioner}`];
}

function isMeantActor({ actors }: Provision, asked: ConsentQuestion, doubt: Doubt): boolean {
  // An organisation or a role that we cannot tell may hold any of our staff, but not the patient.
  return meets(actors, actorNames(asked), doubt && asked.standing === "other");
}

function applies(provision: Provision, asked: ConsentQuestion, doubt: Doubt): boolean {
  const { period, purposes, types, labels, unclear } = provision;
  if (period !== null && (asked.at < period.from || asked.at > period.to)) return false;
  if (unclear && !doubt) return false;
  return (
    isMeantAction(provision, asked, doubt) &&
    isMeantActor(provision, asked, doubt) &&
    meets(purposes, withBroader(asked.purpose), doubt) &&
    meets(types, [asked.type], doubt) &&
    meets(labels, asked.labels, doubt)
  );
}

/** Whether a provision certainly permits it, as an exception to one that forbids must. */
function permits(provision: Provision, asked: ConsentQuestion): boolean {
  if (!applies(provision, asked, false)) return false;
  return provision.effect === "permit"
    ? !provision.exceptions.some((exception) => mayForbid(exception, asked))
    : provision.exceptions.some((exception) => permits(exception, asked));
}

function mayForbid(provision: Provision, asked: ConsentQuestion): boolean {
  if (!applies(provision, asked, true)) return false;
  const { effect, exceptions } = provision;
  if (exceptions.some((exception) => mayForbid(exception, asked))) return true;
  return effect === "deny" && !exceptions.some((exception) => permits(exception, asked));
}

/** The provisions that speak of someone by name, each with the conditions of those around it. */
function naming(provision: Provision, asked: ConsentQuestion): boolean {
  const names = actorNames(asked);
  if (provision.actors !== null && names.some((name) => provision.actors?.known.includes(name)))
    return mayForbid(provision, asked);
  return (
    provision.actors === null &&
    applies(provision, asked, true) &&
    provision.exceptions.some((exception) => naming(exception, asked))
  );
}

/**
 * Whether this Consent forbids it. A patient, and whoever acts for her, is never meant by a
 * provision that names nobody: she is only where it names her or her representatives. What cannot
 * be evaluated narrows no prohibition and makes no exception to one.
 */
export function forbids(provision: Provision, asked: ConsentQuestion): boolean {
  return asked.standing === "other" ? mayForbid(provision, asked) : naming(provision, asked);
}
