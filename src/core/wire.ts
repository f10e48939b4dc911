/** What the portal and the servers say to each other beside FHIR. The portal imports types from here only. */

import type { PersonRole } from "./policy-request.ts";

/** GET /api/identity/me, with an access token. */
export interface Me {
  readonly account: string;
  readonly displayName: string;
  readonly roles: readonly PersonRole[];
  /** FHIR ids of the Patient resources that this person is, or may act for. */
  readonly patients: readonly string[];
  /** Those of them for whom the person acts; the rest are her own. */
  readonly actsFor: readonly string[];
  /** FHIR id of the Practitioner that this person is. */
  readonly practitioner: string | null;
  /** BCP 47 tag of the language that the person chose; null when she chose none. */
  readonly language: string | null;
  readonly sessionEndsAt: string;
  readonly idleMs: number;
}

/** POST /sign-in/:uid/… each answer either goes on or asks for one thing more. */
export type SignInStep =
  | { readonly next: "totp" }
  | { readonly next: "redirect"; readonly redirectTo: string }
  /** To another house's sign-in page, on its own site. */
  | { readonly next: "outside"; readonly redirectTo: string }
  /** She is proven, but an administrator must first say who she is: by this reference. */
  | { readonly next: "approval"; readonly reference: string };

/** One of the other houses at which staff can sign in. */
export interface OutsideOffer {
  readonly id: string;
  readonly label: string;
}

/** GET /sign-in/:uid/state. */
export interface SignInState {
  /** OAuth client_id of the application that asks. */
  readonly client: string | null;
  readonly prompt: string;
  readonly outside: readonly OutsideOffer[];
  /** Whether the person has just come back from one of them: `outside/finish` says what came of it. */
  readonly isBack: boolean;
}

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

/** What a device's key was proven by, beside the key itself. */
export type DeviceAttestation = "none" | "webauthn" | "app-attest" | "android-key";

/** GET /api/identity/account/devices: one browser or app that the person has used, by its key. */
export interface OwnDevice {
  readonly id: string;
  /** As its person calls it, else as the browser says of itself; null when it does not. */
  readonly name: string | null;
  readonly kind: "browser" | "kiosk" | "app" | "service";
  /** Rung of the device ladder, as the server computes it from evidence. */
  readonly level: number;
  /** Who manages it; null when nobody does. */
  readonly managedBy: string | null;
  readonly attestation: DeviceAttestation;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly lastPlace: string | null;
  readonly lastZone: string | null;
  /** Whether it is signed in now. */
  readonly isSignedIn: boolean;
  /** When it was told to be lost or stolen: it is shut out since, for good. */
  readonly lostAt: string | null;
  readonly isThis: boolean;
}

/** POST /api/identity/admin/devices/search: `{ items: KnownDevice[], next }`. */
export interface KnownDevice extends OwnDevice {
  /** The account whose it is. */
  readonly owner: { readonly id: string; readonly displayName: string };
}

/** POST /api/identity/account/devices/:id/certificate. */
export interface DeviceCertificateMade {
  /** PEM texts: the device's own, and the authority that signed it. */
  readonly certificate: string;
  readonly authority: string;
  /** RFC 8705 §3.1, `x5t#S256`. */
  readonly thumbprint: string;
  readonly expiresAt: string;
}

/** POST …/devices/:id/lost. */
export interface LostDevice {
  readonly id: string;
  readonly lostAt: string;
  /** All ids by which the device stands in the log: one for each account that used it. */
  readonly devices: readonly string[];
  readonly sessionsEnded: number;
  readonly passkeysRemoved: number;
}

/** GET /api/identity/account/offline-leases: a device on which the person's own summary may lie. */
export interface OfflineLease {
  readonly id: string;
  /** Id of the device, as in OwnDevice. */
  readonly device: string;
  /** FHIR id of the Patient. */
  readonly patient: string;
  readonly givenAt: string;
  readonly renewedAt: string;
  /** From then on the device opens nothing, unless it was renewed. */
  readonly endsAt: string;
  readonly isThis: boolean;
}

/** POST /api/identity/account/offline-leases/:id and …/:id/renew. */
export interface OfflineLeaseGiven {
  readonly id: string;
  readonly patient: string;
  /** 256 bits in base64url, told this once and kept nowhere else. */
  readonly key: string;
  /** The server's clock, by which `endsAt` is meant. */
  readonly now: string;
  readonly endsAt: string;
}

/** GET /api/identity/account/sessions: one place where the person is signed in. */
export interface OwnSession {
  readonly id: string;
  /** Such as "Firefox on Windows", as the browser says of itself; null when it does not. */
  readonly deviceName: string | null;
  readonly deviceKind: "browser" | "kiosk";
  /** Network address of the last use. */
  readonly lastPlace: string | null;
  readonly lastZone: string | null;
  readonly lastSeenAt: string;
  readonly signedInAt: string | null;
  /** OAuth client ids of the apps that use it. */
  readonly apps: readonly string[];
  readonly isThis: boolean;
}

/** GET /api/identity/account/passkeys. */
export interface OwnPasskey {
  readonly id: string;
  readonly name: string;
  /** Whether its maker keeps a copy for the person's other devices (WebAuthn Level 3 §6.1.3). */
  readonly isSynced: boolean;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

/** GET /api/identity/account/second-device: a device that waits to be confirmed by this one. */
export interface WaitingDevice {
  readonly id: string;
  readonly name: string;
  /** Six digits that the second device shows too. */
  readonly confirm: string;
  readonly madeAt: string;
}

/** POST /api/identity/recovery/status; begin answers it with the `recovery` token. */
export interface RecoveryState {
  readonly state: "waiting" | "ready";
  readonly readyAt: string;
}

/** GET /api/identity/account/recovery. */
export interface OpenRecovery {
  readonly id: string;
  /** Begun with a recovery code, or by one of the staff. */
  readonly way: "code" | "staff";
  readonly begunAt: string;
  readonly readyAt: string;
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

/** GET /api/records/access-requests?patient=ID: one person's; without: the register. */
export interface AccessRequestPage {
  readonly requests: readonly AccessRequestLine[];
}

/** A request for access to a record (45 CFR 164.524), at its newest version. */
export interface AccessRequestLine {
  readonly id: string;
  readonly version: number;
  /** Days of the form 2026-01-31. */
  readonly askedOn: string;
  readonly dueOn: string;
  readonly isOpen: boolean;
  /** Null when the record was destroyed and nobody can read it any more. */
  readonly request: AccessRequestWords | null;
}

export interface AccessRequestWords {
  readonly patient: string;
  readonly name: string | null;
  readonly birthDate: string | null;
  readonly asked: AccessDeed;
  readonly wants: string;
  readonly form: string;
  readonly sendTo: string | null;
  readonly extension: (AccessDeed & { readonly reason: string; readonly until: string }) | null;
  readonly now: AccessRequestState;
}

export interface AccessDeed {
  readonly at: string;
  readonly role: PersonRole | null;
  /** Whether it was the reader's own doing. */
  readonly byYou: boolean;
}

export type AccessRequestState =
  | { readonly state: "open" }
  | (AccessDeed & { readonly state: "fulfilled"; readonly how: string })
  | (AccessDeed & {
      readonly state: "denied";
      readonly grounds: readonly {
        readonly ground: string;
        readonly cite: string;
        readonly reviewable: boolean;
      }[];
      readonly reason: string;
      readonly inPart: boolean;
    })
  | (AccessDeed & { readonly state: "withdrawn" });

/** POST /api/records/access-requests. */
export interface AccessRequestAsked {
  readonly patient: string;
  readonly wants: string;
  readonly form: string;
  readonly sendTo: string | null;
}

/** POST /api/records/access-requests/ID: `version` is the one that was read. */
export type AccessRequestAct = { readonly version: number } & (
  | { readonly act: "extend"; readonly reason: string }
  | { readonly act: "fulfil"; readonly how: string }
  | {
      readonly act: "deny";
      readonly grounds: readonly string[];
      readonly reason: string;
      readonly inPart: boolean;
    }
  | { readonly act: "withdraw" }
);

/** POST /api/records/break-glass: a clinician opens the chart of a patient of others. */
export interface EmergencyAsked {
  readonly patient: string;
  readonly reason: string;
}

/** GET /api/records/break-glass?patient=ID: the reader's own that last; without: all, to be reviewed. */
export interface EmergencyPage {
  readonly openings: readonly EmergencyLine[];
}

/** A chart opened in an emergency. */
export interface EmergencyLine {
  readonly id: string;
  readonly version: number;
  readonly openedAt: string;
  readonly endsAt: string;
  /** Whether it lasts still. */
  readonly isOpen: boolean;
  readonly isReviewed: boolean;
  /** Null when the record was destroyed and nobody can read it any more. */
  readonly words: EmergencyWords | null;
}

export interface EmergencyWords {
  /** FHIR id of the Patient, and who she is, as the record had it. */
  readonly patient: string;
  readonly name: string | null;
  readonly birthDate: string | null;
  /** Who opened it, in plain words. */
  readonly who: string;
  readonly byYou: boolean;
  readonly reason: string;
  /** How many the same person opened within 24 hours, up to this one. */
  readonly count: number;
  readonly closedAt: string | null;
  readonly review: EmergencyReview | null;
}

export type EmergencyFinding = "justified" | "not-justified" | "to-follow-up";

export interface EmergencyReview {
  readonly at: string;
  readonly byYou: boolean;
  readonly finding: EmergencyFinding;
  readonly words: string;
}

/** POST /api/records/break-glass/ID: `version` is the one that was read. */
export type EmergencyAct = { readonly version: number } & (
  | { readonly act: "close" }
  | { readonly act: "review"; readonly finding: EmergencyFinding; readonly words: string }
);

/** POST /api/records/exports `{patient, form}`; the bytes are at GET /api/records/exports/ID. */
export interface CopyMade {
  readonly id: string;
  readonly form: "fhir" | "ndjson" | "web-page" | "pdf";
  readonly bytes: number;
  readonly resources: number;
  readonly fileName: string;
  readonly endsAt: string;
}

/** What of one chart is compared when somebody decides whether two are one person's. */
export interface ChartSide {
  readonly id: string;
  readonly version: number;
  readonly name: string | null;
  /** As the record has it: a day, a month or a year. */
  readonly birthDate: string | null;
  readonly gender: string | null;
  readonly identifiers: readonly string[];
  readonly telecom: readonly string[];
  readonly addresses: readonly string[];
  /** When the Patient was last written, ISO 8601. */
  readonly lastUpdated: string;
}

/** One field's part in the finding; `bits` above zero speak for one person, below against. */
export interface ChartEvidence {
  readonly field: string;
  readonly verdict: string;
  readonly bits: number;
}

export interface ChartPair {
  readonly one: ChartSide;
  readonly other: ChartSide;
  readonly score: number;
  readonly grade: "certain" | "probable" | "possible";
  readonly evidence: readonly ChartEvidence[];
}

/** GET /api/records/possible-duplicates?after=CURSOR. Empty pages come while there is more to look at. */
export interface ChartPairPage {
  readonly pairs: readonly ChartPair[];
  /** Patients looked at for this page. */
  readonly looked: number;
  readonly next: string | null;
}

/** GET /api/records/chart-decisions: the merges that stand, newest first. */
export interface StandingMergePage {
  readonly merges: readonly StandingMerge[];
}

export interface StandingMerge {
  /** Of the Task that says why. */
  readonly id: string;
  readonly at: string;
  readonly byYou: boolean;
  readonly survivor: ChartSide;
  readonly other: ChartSide;
}

/** POST /api/records/chart-decisions. */
export interface ChartDecisionAsked {
  readonly kind: "merge" | "unmerge" | "distinct";
  readonly survivor: string;
  readonly survivorVersion: number;
  readonly other: string;
  readonly otherVersion: number;
  readonly reason: string;
}

/** GET /consent/:uid/offer: what an app asks a signed-in person for. */
export interface ConsentOffer {
  readonly app: {
    readonly name: string;
    /** Where it sends her back to, e.g. https://app.example. */
    readonly home: string;
    readonly approvedAt: string;
    /** False when its tokens are bound to no key: whoever steals one can use it until it ends. */
    readonly keepsKey: boolean;
  };
  readonly scopes: readonly ConsentScope[];
  /** Days for which it may come back by itself; null when it ends with her sign-in. */
  readonly days: number | null;
  readonly patient: ConsentPatient;
}

export interface ConsentScope {
  readonly scope: string;
  readonly words: string;
  /** Without it the app cannot work at all, so it cannot be left out alone. */
  readonly needed: boolean;
}

export type ConsentPatient =
  /** The app asks for no record. */
  | { readonly kind: "none" }
  /** It was opened from this patient's chart. */
  | { readonly kind: "launched"; readonly id: string }
  /** She picks one of those that she is or acts for; `name` is null where nobody gave one. */
  | {
      readonly kind: "pick";
      readonly patients: readonly { readonly id: string; readonly name: string | null }[];
    }
  /** Staff name the id of any patient; whether they may see her is decided when it is read. */
  | { readonly kind: "name" };

/** POST /consent/:uid/answer, answered by a ConsentDone. */
export type ConsentAnswer =
  | { readonly allow: false }
  | { readonly allow: true; readonly scopes: readonly string[]; readonly patient: string | null };

export interface ConsentDone {
  readonly redirectTo: string;
}

/** GET /api/identity/account/apps, as { items }. DELETE …/apps/:id cuts it off at once. */
export interface ConnectedApp {
  readonly id: string;
  readonly clientName: string;
  readonly scopes: readonly { readonly scope: string; readonly words: string }[];
  /** FHIR id of the patient whose record it was given; null when none. */
  readonly patient: string | null;
  readonly grantedAt: string;
  readonly lastUsedAt: string | null;
  readonly endsAt: string;
}

/** GET /api/identity/account/launchable-apps, as { items }: apps that open from a chart. */
export interface LaunchableApp {
  readonly id: string;
  readonly name: string;
}

/** POST /api/identity/account/launches with { app, patient }: the address to open. */
export interface AppLaunch {
  readonly url: string;
}
/** POST /api/identity/admin/people/search `{ name, after }`: `{ items, next }`, newest first. */
export interface PersonOfAdministration {
  readonly id: string;
  readonly kind: "person" | "service" | "break-glass";
  readonly displayName: string;
  readonly roles: readonly PersonRole[];
  readonly departments: readonly string[];
  /** NIST SP 800-63A. */
  readonly assurance: "none" | "IAL1" | "IAL2" | "IAL3";
  /** The last three are an envelope's: in it, in use for some hours, and used up. */
  readonly status: "active" | "suspended" | "left" | "sealed" | "opened" | "to-be-sealed";
  readonly createdAt: string;
}

/** GET /api/identity/account/proxies: `{ forMe, byMe }` of these. */
export interface ProxyGrant {
  readonly id: string;
  /** Of the other person. */
  readonly name: string | null;
  readonly kind: "parent" | "caregiver" | "representative";
  /** FHIR id of the Patient who is acted for. */
  readonly patient: string;
  readonly startsAt: string;
  readonly endsAt: string | null;
  /** "invited": whoever was invited has not come yet. */
  readonly state: "invited" | "active" | "to-come" | "ended";
}

/**
 * POST /api/identity/account/proxies/accept `{ code, birthDate }`, by somebody who is signed in: what
 * an invitation on paper lets her do, done by her own account. 410 "enrolment-link-refused" for a
 * code or birth date that does not fit, 403 "forbidden" for a code that is no invitation to act or
 * for her own record, 429 "rate-limited".
 */
export interface ProxyAccepted {
  readonly accepted: readonly ProxyGrant[];
}

/** The answer to an invitation: its secrets are told this one time. */
export interface InvitationMade {
  readonly id: string;
  readonly displayName: string;
  /** Path with a one-time token in its fragment; null for an envelope. */
  readonly enrolPath: string | null;
  /** To be typed with the birth date, or alone for an envelope. */
  readonly paperCode: string | null;
  readonly endsAt: string;
}
