/** What the portal and the servers say to each other beside FHIR. The portal imports types from here only. */

import type { PersonRole } from "./policy-request.ts";

/** GET /api/identity/me, with an access token. */
export interface Me {
  readonly account: string;
  readonly displayName: string;
  readonly roles: readonly PersonRole[];
  /** FHIR ids of the Patient resources that this person is, or may act for. */
  readonly patients: readonly string[];
  /** FHIR id of the Practitioner that this person is. */
  readonly practitioner: string | null;
  readonly sessionEndsAt: string;
  readonly idleMs: number;
}

/** POST /sign-in/:uid/… each answer either goes on or asks for one thing more. */
export type SignInStep =
  | { readonly next: "totp" }
  | { readonly next: "redirect"; readonly redirectTo: string };

/** POST /api/identity/enrol/begin. The token came in the address's fragment and goes in the body only. */
export interface EnrolBegin {
  readonly token: string;
}
export interface EnrolOffer {
  readonly displayName: string;
  /** PublicKeyCredentialCreationOptionsJSON of WebAuthn Level 3. */
  readonly options: unknown;
}
export interface EnrolFinish {
  readonly token: string;
  readonly passkeyName: string;
  /** RegistrationResponseJSON of WebAuthn Level 3. */
  readonly credential: unknown;
}

/** GET /api/records/access-log?patient=ID&before=CURSOR, newest first. */
export interface AccessLogPage {
  readonly readings: readonly AccessLogLine[];
  readonly next: string | null;
}
export interface AccessLogLine {
  readonly time: string;
  /** In plain words: "You", a clinician's name, "Phylax import"… */
  readonly who: string;
  readonly role: string | null;
  readonly action: string;
  readonly decision: "permit" | "deny" | "error";
  readonly resourceType: string | null;
  readonly categories: readonly string[];
  readonly count: number;
  readonly purpose: string | null;
  /** Where in the log: origin and leaf index, so that the entry can be proven. */
  readonly origin: string;
  readonly index: number;
}
