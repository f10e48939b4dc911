import { at, list, number, readEach, text } from "../fhir/json.ts";

export interface ConsentScope {
  readonly scope: string;
  /** In plain words. */
  readonly words: string;
  /** Without it the app cannot work at all. */
  readonly isNeeded: boolean;
}

/** Whose record the app shall see. */
export type ConsentPatient =
  | { readonly kind: "none" }
  | { readonly kind: "launched" }
  | {
      readonly kind: "pick";
      readonly patients: readonly { readonly id: string; readonly name: string | null }[];
    }
  /** Staff name any patient. */
  | { readonly kind: "name" };

export interface ConsentOffer {
  readonly app: string;
  /** Where the app sends the person back to. */
  readonly home: string;
  readonly approvedAt: string | null;
  /** False when whoever steals its tokens can use them. */
  readonly keepsKey: boolean;
  readonly scopes: readonly ConsentScope[];
  /** Null when it ends with the sign-in. */
  readonly days: number | null;
  readonly patient: ConsentPatient;
}

function readScope(value: unknown): ConsentScope | null {
  const scope = text(at(value, "scope"));
  if (scope === null) return null;
  return {
    scope,
    words: text(at(value, "words")) ?? scope,
    isNeeded: at(value, "needed") === true,
  };
}

function readChoice(value: unknown): { readonly id: string; readonly name: string | null } | null {
  const id = text(at(value, "id"));
  return id === null ? null : { id, name: text(at(value, "name")) };
}

function readPatient(value: unknown): ConsentPatient | null {
  const kind = at(value, "kind");
  switch (kind) {
    case "none":
    case "launched":
    case "name":
      return { kind };
    case "pick":
      return { kind, patients: readEach(list(at(value, "patients")), readChoice) };
    default:
      return null;
  }
}

/** Reads GET /consent/:uid/offer; null when it does not say who asks, or whose record is meant. */
export function readOffer(body: unknown): ConsentOffer | null {
  const app = text(at(body, "app", "name"));
  const patient = readPatient(at(body, "patient"));
  if (app === null || patient === null) return null;
  return {
    app,
    patient,
    home: text(at(body, "app", "home")) ?? "",
    approvedAt: text(at(body, "app", "approvedAt")),
    keepsKey: at(body, "app", "keepsKey") === true,
    scopes: readEach(list(at(body, "scopes")), readScope),
    days: number(at(body, "days")),
  };
}
