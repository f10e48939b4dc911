import { readInvitation, type Invitation } from "../account/invitation.ts";
import {
  readPeople,
  readRegisteredApp,
  readRegisteredApps,
  readStaffRecovery,
  readWholePerson,
  type PeoplePage,
  type RegisteredApp,
  type StaffRecovery,
  type WholePerson,
} from "../administration/read.ts";
import { createAskJson, isDone, type Asking } from "./ask-json.ts";
import type { Outcome } from "./failure.ts";

/** What a new account is made of; fields that are not known are left out. */
export interface PersonWish {
  readonly kind: "person" | "break-glass";
  readonly displayName: string;
  readonly roles: readonly string[];
  readonly departments: readonly string[];
  /** FHIR ids of the person's own charts. */
  readonly patients: readonly string[];
  readonly practitioner?: string;
  /** YYYY-MM-DD. */
  readonly birthDate?: string;
}

export interface PersonChange {
  readonly roles?: readonly string[];
  readonly departments?: readonly string[];
  readonly suspended?: boolean;
  readonly assurance?: string;
  readonly evidence?: string;
}

export interface GrantWish {
  readonly patient: string;
  readonly basis: "parent" | "caregiver" | "representative";
  readonly birthDate?: string;
  readonly evidence?: string;
}

export interface AppWish {
  readonly kind: RegisteredApp["kind"];
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly scopes: readonly string[];
  readonly launchUri?: string;
  readonly jwksUri?: string;
}

/** What administrators ask of the identity service. Names go in bodies, as addresses are kept in logs. */
export interface Administration {
  readonly people: (
    name: string,
    after: string | null,
    signal?: AbortSignal,
  ) => Promise<Outcome<PeoplePage>>;
  readonly person: (id: string, signal?: AbortSignal) => Promise<Outcome<WholePerson>>;
  readonly invite: (wish: PersonWish) => Promise<Outcome<Invitation>>;
  readonly change: (id: string, change: PersonChange) => Promise<Outcome<null>>;
  readonly leave: (id: string) => Promise<Outcome<true>>;
  readonly inviteAgain: (id: string, birthDate: string | null) => Promise<Outcome<Invitation>>;
  readonly seal: (id: string) => Promise<Outcome<Invitation>>;
  readonly recover: (
    id: string,
    proof: { readonly level: string; readonly evidence: string },
  ) => Promise<Outcome<StaffRecovery>>;
  readonly grant: (id: string, wish: GrantWish) => Promise<Outcome<true>>;
  readonly endGrant: (grant: string) => Promise<Outcome<null>>;
  readonly apps: (signal?: AbortSignal) => Promise<Outcome<readonly RegisteredApp[]>>;
  readonly register: (wish: AppWish) => Promise<Outcome<RegisteredApp>>;
  readonly approve: (id: string) => Promise<Outcome<RegisteredApp>>;
  readonly revoke: (id: string) => Promise<Outcome<RegisteredApp>>;
}

const base = "/api/identity/admin";

export function createAdministration(session: Asking): Administration {
  const { get, post, send } = createAskJson(session);
  const personPath = (id: string, tail = ""): string =>
    `${base}/people/${encodeURIComponent(id)}${tail}`;
  const appPath = (id: string, tail: string): string =>
    `${base}/apps/${encodeURIComponent(id)}/${tail}`;
  return {
    people: (name, after) => post(`${base}/people/search`, { name, after }, readPeople),
    person: (id, signal) => get(personPath(id), readWholePerson, signal),
    invite: (wish) => post(`${base}/people`, wish, readInvitation),
    change: (id, change) => send("PATCH", personPath(id), change),
    leave: (id) => post(personPath(id, "/leave"), {}, isDone),
    inviteAgain: (id, birthDate) =>
      post(personPath(id, "/invitation"), { birthDate }, readInvitation),
    seal: (id) => post(personPath(id, "/seal"), {}, readInvitation),
    recover: (id, proof) => post(personPath(id, "/recovery"), proof, readStaffRecovery),
    grant: (id, wish) => post(personPath(id, "/grants"), wish, isDone),
    endGrant: (grant) => send("DELETE", `${base}/grants/${encodeURIComponent(grant)}`),
    apps: (signal) => get(`${base}/apps`, readRegisteredApps, signal),
    register: (wish) => post(`${base}/apps`, wish, readRegisteredApp),
    approve: (id) => post(appPath(id, "approve"), {}, readRegisteredApp),
    revoke: (id) => post(appPath(id, "revoke"), {}, readRegisteredApp),
  };
}
