import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { OfflineLease, OwnPasskey, OwnSession } from "../../src/core/wire.ts";
import { at, text } from "../src/fhir/json.ts";
import type { Clinic } from "./clinic.ts";
import { newPasskeyOptions } from "./passkey-options.ts";
import { bodyOf, send } from "./records.ts";

const hourMs = 3_600_000;
const ago = (hours: number): string => new Date(Date.now() - hours * hourMs).toISOString();

/** A made-up account's passkeys, sessions, apps and helpers; changes last as long as the test. */
export interface FixtureAccount {
  passkeys: readonly OwnPasskey[];
  sessions: readonly OwnSession[];
  apps: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[];
  helpers: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[];
  recoveries: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[];
  codesLeft: number;
  /** The lease of the one browser of a test; null before there was one. */
  lease: { readonly id: string; isEnded: boolean; lastsMs: number; renewed: number } | null;
  /** On devices that the test does not play. */
  otherLeases: readonly OfflineLease[];
}

const session = (id: string, hours: number, more: Partial<OwnSession>): OwnSession => ({
  id,
  deviceName: "Firefox on Windows",
  deviceKind: "browser",
  lastPlace: "192.0.2.77",
  lastZone: "internet",
  lastSeenAt: ago(hours),
  signedInAt: ago(hours + 1),
  apps: ["phylax-portal"],
  isThis: false,
  ...more,
});

export function madeUpAccount(): FixtureAccount {
  const phone = { id: "phone", name: "Ana’s phone", isSynced: true };
  const work = { id: "work", name: "Computer at work", isSynced: false };
  return {
    passkeys: [
      { ...phone, createdAt: ago(2_000), lastUsedAt: ago(1) },
      { ...work, createdAt: ago(900), lastUsedAt: null },
    ],
    sessions: [
      session("elsewhere", 30, {}),
      session("here", 0, {
        deviceName: "Chrome on Android",
        isThis: true,
        lastPlace: "198.51.100.4",
      }),
      session("unknown", 50, { deviceName: null, lastPlace: null }),
    ],
    apps: [
      {
        id: "app",
        clientName: "Heart Diary",
        grantedAt: ago(700),
        lastUsedAt: ago(20),
        scopes: [
          { scope: "patient/Patient.rs", words: "Your name and contact details" },
          { scope: "patient/Observation.rs", words: "Your test results" },
        ],
      },
    ],
    helpers: [
      {
        id: "helper",
        name: "Marta Ruiz",
        kind: "caregiver",
        startsAt: ago(400),
        endsAt: null,
      },
      {
        id: "waiting",
        name: "Jon Ruiz",
        kind: "caregiver",
        state: "invited",
        startsAt: ago(4),
      },
    ],
    recoveries: [],
    codesLeft: 2,
    lease: null,
    otherLeases: [],
  };
}

const codes = ["7K3QF-9XWMA", "M2VTC-40HRE", "P8NDJ-6YBGZ", "0T5SK-R1QXV"];

/** Answers the account pages; `id` is what follows the list's name in the address. */
export async function account(
  clinic: Clinic,
  { url, request }: { readonly url: URL; readonly request: IncomingMessage },
  response: ServerResponse,
): Promise<void> {
  const { account: own } = clinic;
  const body = await bodyOf(request);
  const [list = "", id = ""] = url.pathname.split("/").slice(4);
  const without = <T extends { readonly id: string }>(all: readonly T[]): readonly T[] =>
    all.filter((one) => one.id !== id);
  switch (`${request.method ?? ""} ${list}`) {
    case "GET passkeys":
      return send(response, 200, { items: own.passkeys });
    case "POST passkeys":
      if (id === "options")
        return send(response, 200, {
          options: newPasskeyOptions(clinic.me.displayName, clinic.me.account),
        });
      own.passkeys = [
        ...own.passkeys,
        {
          id: "new",
          name: text(at(body, "name")) ?? "",
          isSynced: false,
          createdAt: ago(0),
          lastUsedAt: null,
        },
      ];
      return send(response, 201, { id: "new" });
    case "PATCH passkeys":
      own.passkeys = own.passkeys.map((one) =>
        one.id === id ? { ...one, name: text(at(body, "name")) ?? "" } : one,
      );
      return send(response, 200, { id });
    case "DELETE passkeys":
      own.passkeys = without(own.passkeys);
      return send(response, 200, { removed: true });
    case "GET sessions":
      return send(response, 200, { items: own.sessions });
    case "DELETE sessions":
      own.sessions = without(own.sessions);
      return send(response, 200, { ended: true });
    case "POST sign-out-everywhere":
      clinic.isSignedIn = false;
      clinic.accessToken = "none";
      return send(response, 200, { signedOut: true });
    case "GET apps":
      return send(response, 200, { items: own.apps });
    case "DELETE apps":
      own.apps = without(own.apps);
      return send(response, 200, { removed: true });
    case "GET offline-leases":
      return send(response, 200, { items: own.otherLeases });
    case "POST offline-leases":
      return lease(clinic, url.pathname, response);
    case "DELETE offline-leases":
      own.otherLeases = without(own.otherLeases);
      if (own.lease?.id === id) own.lease.isEnded = true;
      return send(response, 200, { ended: true });
    case "GET recovery-codes":
      return send(response, 200, { left: own.codesLeft });
    case "POST recovery-codes":
      own.codesLeft = codes.length;
      return send(response, 201, { codes });
    case "GET second-device": {
      const madeAt = ago(0);
      return send(response, 200, {
        items: [{ id: "second", name: "My tablet", confirm: "482913", madeAt }],
      });
    }
    case "POST second-device":
      return send(response, 201, {
        enrolPath: madeUpInvitation("").enrolPath,
        expiresAt: ago(-1),
      });
    case "GET recovery":
      return send(response, 200, { items: own.recoveries });
    case "DELETE recovery":
      own.recoveries = without(own.recoveries);
      return send(response, 200, { cancelled: true });
    case "GET launchable-apps":
      return send(response, 200, { items: [{ id: "diary", name: "Heart Diary" }] });
    case "GET proxies":
      return send(response, 200, { forMe: own.helpers, byMe: [] });
    case "POST proxies":
      if (id === "accept")
        return send(response, 410, {
          type: "urn:phylax:problem:enrolment-link-refused",
          status: 410,
        });
      return send(response, 201, madeUpInvitation(text(at(body, "name")) ?? ""));
    case "DELETE proxies":
      own.helpers = without(own.helpers);
      return send(response, 200, { ended: true });
    case "PATCH ":
      return send(response, 200, { language: at(body, "language") });
    default:
      return send(response, 404, { type: "urn:phylax:problem:not-found", status: 404 });
  }
}

function lease({ account: own, me }: Clinic, path: string, response: ServerResponse): void {
  const isNew = !path.endsWith("/renew");
  if (isNew)
    own.lease = {
      id: path.split("/").at(-1) ?? "",
      isEnded: false,
      lastsMs: 72 * hourMs,
      renewed: 0,
    };
  const { lease: given } = own;
  if (given === null || given.isEnded)
    return send(response, 404, { type: "urn:phylax:problem:not-found", status: 404 });
  if (!isNew) given.renewed += 1;
  const nowMs = Date.now();
  return send(response, 200, {
    id: given.id,
    patient: me.patients[0],
    key: randomBytes(32).toString("base64url"),
    now: new Date(nowMs).toISOString(),
    endsAt: new Date(nowMs + given.lastsMs).toISOString(),
  });
}

export function madeUpInvitation(displayName: string) {
  const enrolPath = `/enrol#token=${"k3".repeat(21)}k`;
  return { enrolPath, displayName, paperCode: "7K3Q-F9XW-MA40", endsAt: ago(-72) };
}
