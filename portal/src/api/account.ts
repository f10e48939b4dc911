import type { PublicKeyCredentialCreationOptionsJSON } from "@simplewebauthn/browser";
import {
  readApps,
  readCodes,
  readCodesLeft,
  readPasskeys,
  readSessions,
  type ConnectedApp,
} from "../account/read.ts";
import type { OwnPasskey, OwnSession, WaitingDevice } from "../../../src/core/wire.ts";
import { readGrants, type Grants } from "../account/grants.ts";
import { readInvitation, type Invitation } from "../account/invitation.ts";
import { readRecoveries, type OpenRecovery } from "../account/recoveries.ts";
import { readDeviceLink, readWaitingDevices, type DeviceLink } from "../account/second-device.ts";
import { at } from "../fhir/json.ts";
import { createAskJson, isDone, type Asking } from "./ask-json.ts";
import type { Outcome } from "./failure.ts";
import { makePasskey } from "./passkey.ts";
import { creationOptions } from "./webauthn-options.ts";

/** What the account pages ask of the identity service. */
export interface Account {
  readonly passkeys: (signal?: AbortSignal) => Promise<Outcome<readonly OwnPasskey[]>>;
  /** Has this device make one, and keeps it. */
  readonly addPasskey: (name: string) => Promise<Outcome<true>>;
  readonly renamePasskey: (id: string, name: string) => Promise<Outcome<null>>;
  readonly removePasskey: (id: string) => Promise<Outcome<null>>;
  readonly codesLeft: (signal?: AbortSignal) => Promise<Outcome<number>>;
  /** The new codes, which are shown once; the old ones end. */
  readonly makeCodes: () => Promise<Outcome<readonly string[]>>;
  readonly sessions: (signal?: AbortSignal) => Promise<Outcome<readonly OwnSession[]>>;
  readonly endSession: (id: string) => Promise<Outcome<null>>;
  readonly signOutEverywhere: () => Promise<Outcome<true>>;
  readonly apps: (signal?: AbortSignal) => Promise<Outcome<readonly ConnectedApp[]>>;
  readonly disconnect: (id: string) => Promise<Outcome<null>>;
  readonly deviceLink: () => Promise<Outcome<DeviceLink>>;
  /** Devices that came by the link and wait for a yes. */
  readonly waitingDevices: (signal?: AbortSignal) => Promise<Outcome<readonly WaitingDevice[]>>;
  readonly confirmDevice: (id: string) => Promise<Outcome<true>>;
  readonly refuseDevice: (id: string) => Promise<Outcome<null>>;
  readonly recoveries: (signal?: AbortSignal) => Promise<Outcome<readonly OpenRecovery[]>>;
  readonly stopRecovery: (id: string) => Promise<Outcome<null>>;
  readonly grants: (signal?: AbortSignal) => Promise<Outcome<Grants>>;
  /** Lets someone act for the person, once that someone has come by the invitation. */
  readonly grant: (helper: Helper) => Promise<Outcome<Invitation>>;
  /** Acts from now on for whom a code on paper lets her act, with the account that she has. */
  readonly takeUp: (code: string, birthDate: string) => Promise<Outcome<true>>;
  readonly endGrant: (id: string) => Promise<Outcome<null>>;
  readonly setLanguage: (language: string) => Promise<Outcome<null>>;
}

export interface Helper {
  readonly name: string;
  /** YYYY-MM-DD. */
  readonly birthDate: string;
  /** The last day, YYYY-MM-DD; null when there is none. */
  readonly until: string | null;
}

const base = "/api/identity/account";

export function createAccount(session: Asking): Account {
  const { get, post, send } = createAskJson(session);
  const one = (list: string, id: string): string => `${base}/${list}/${encodeURIComponent(id)}`;
  const options = (body: unknown): PublicKeyCredentialCreationOptionsJSON | null =>
    creationOptions(at(body, "options"));
  return {
    passkeys: (signal) => get(`${base}/passkeys`, readPasskeys, signal),
    addPasskey: async (name) => {
      const offer = await post(`${base}/passkeys/options`, {}, options);
      if (!offer.ok) return offer;
      const credential = await makePasskey(offer.value);
      if (!credential.ok) return credential;
      return post(`${base}/passkeys`, { name, credential: credential.value }, isDone);
    },
    renamePasskey: (id, name) => send("PATCH", one("passkeys", id), { name }),
    removePasskey: (id) => send("DELETE", one("passkeys", id)),
    codesLeft: (signal) => get(`${base}/recovery-codes`, readCodesLeft, signal),
    makeCodes: () => post(`${base}/recovery-codes`, {}, readCodes),
    sessions: (signal) => get(`${base}/sessions`, readSessions, signal),
    endSession: (id) => send("DELETE", one("sessions", id)),
    signOutEverywhere: () => post(`${base}/sign-out-everywhere`, {}, isDone),
    apps: (signal) => get(`${base}/apps`, readApps, signal),
    disconnect: (id) => send("DELETE", one("apps", id)),
    deviceLink: () => post(`${base}/second-device`, {}, readDeviceLink),
    waitingDevices: (signal) => get(`${base}/second-device`, readWaitingDevices, signal),
    confirmDevice: (id) => post(`${one("second-device", id)}/confirm`, {}, isDone),
    refuseDevice: (id) => send("DELETE", one("second-device", id)),
    recoveries: (signal) => get(`${base}/recovery`, readRecoveries, signal),
    stopRecovery: (id) => send("DELETE", one("recovery", id)),
    grants: (signal) => get(`${base}/proxies`, readGrants, signal),
    grant: (helper) => post(`${base}/proxies`, helper, readInvitation),
    takeUp: (code, birthDate) =>
      post(`${base}/proxies/accept`, { code, birthDate }, (body) =>
        Array.isArray(at(body, "accepted")) ? true : null,
      ),
    endGrant: (id) => send("DELETE", one("proxies", id)),
    setLanguage: (language) => send("PATCH", base, { language }),
  };
}
