import type { OperatorAppsAction } from "#identity/clients/operator-apps.ts";
import {
  operatorDevicesActions,
  type OperatorDevicesAction,
} from "#identity/devices/operator-devices.ts";
import { operatorPeopleActions, type OperatorPeopleAction } from "#identity/operator/people.ts";
import { outsideOperatorActions, type OutsideOperatorAction } from "#identity/outside/operator.ts";
import { recoverySteps, type RecoveryStep } from "#identity/recovery/recovery.ts";
import { kioskSteps, type KioskStep } from "#identity/kiosk/kiosk.ts";
import type { SignInAction } from "#identity/sign-in/sign-in.ts";

/** What a request asks for. */
export type Target =
  /** Answered by the OpenID provider library. */
  | { readonly kind: "oidc" }
  | { readonly kind: "smart-configuration" }
  /** Asked by the gateway itself, for nobody. */
  | { readonly kind: "revocations" }
  | { readonly kind: "end-session" }
  | { readonly kind: "register-client" }
  /** Said by a device's manager, who signs it. */
  | { readonly kind: "device-posture" }
  | { readonly kind: "sign-in"; readonly uid: string; readonly action: SignInAction }
  | { readonly kind: "consent"; readonly uid: string; readonly step: "offer" | "answer" }
  /** Asked by a device that nobody is signed in with. */
  | { readonly kind: "offline-lease" }
  | { readonly kind: "enrol"; readonly step: "begin" | "finish" }
  | { readonly kind: "recovery"; readonly step: RecoveryStep }
  | { readonly kind: "kiosk"; readonly step: KioskStep }
  | { readonly kind: "operator-letters" }
  | { readonly kind: "redeem" }
  | { readonly kind: "call"; readonly name: CallName; readonly id: string }
  /** The answer of another house's OpenID Provider. */
  | { readonly kind: "outside-callback"; readonly provider: string }
  | { readonly kind: "operator-outside"; readonly action: OutsideOperatorAction }
  | { readonly kind: "operator"; readonly action: "create" | "link" }
  | { readonly kind: "operator-apps"; readonly action: OperatorAppsAction }
  | { readonly kind: "operator-devices"; readonly action: OperatorDevicesAction }
  | { readonly kind: "operator-people"; readonly action: OperatorPeopleAction }
  | { readonly kind: "operator-keys" };

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What signed-in people may ask, by the name of its handler; `:id` is one segment. */
const calls = [
  ["GET", "me", "me"],
  ["POST", "sign-out", "signOut"],
  ["PATCH", "account", "changeAccount"],
  ["GET", "account/passkeys", "passkeys"],
  ["POST", "account/passkeys/options", "passkeyOptions"],
  ["POST", "account/passkeys", "addPasskey"],
  ["PATCH", "account/passkeys/:id", "renamePasskey"],
  ["DELETE", "account/passkeys/:id", "removePasskey"],
  ["GET", "account/sessions", "sessions"],
  ["DELETE", "account/sessions/:id", "endSession"],
  ["POST", "account/sign-out-everywhere", "signOutEverywhere"],
  ["GET", "admin/apps", "apps"],
  ["POST", "admin/apps", "registerApp"],
  ["POST", "admin/apps/:id/approve", "approveApp"],
  ["POST", "admin/apps/:id/revoke", "revokeApp"],
  ["PUT", "account/device", "setDevice"],
  ["GET", "account/devices", "devices"],
  ["PATCH", "account/devices/:id", "nameDevice"],
  ["DELETE", "account/devices/:id", "forgetDevice"],
  ["POST", "account/devices/:id/lost", "loseDevice"],
  ["POST", "account/devices/:id/certificate", "certifyDevice"],
  ["POST", "admin/devices/:id/enrol", "enrolDevice"],
  ["POST", "admin/devices/search", "searchDevices"],
  ["GET", "admin/devices/:id", "device"],
  ["POST", "admin/devices/:id/lost", "loseAnyDevice"],
  ["GET", "account/offline-leases", "offlineLeases"],
  ["POST", "account/offline-leases/:id", "giveOfflineLease"],
  ["POST", "account/offline-leases/:id/renew", "renewOfflineLease"],
  ["DELETE", "account/offline-leases/:id", "endOfflineLease"],
  ["POST", "account/second-device", "addDevice"],
  ["GET", "account/second-device", "waitingDevices"],
  ["POST", "account/second-device/:id/confirm", "confirmDevice"],
  ["DELETE", "account/second-device/:id", "refuseDevice"],
  ["GET", "account/recovery-codes", "recoveryCodes"],
  ["POST", "account/recovery-codes", "makeRecoveryCodes"],
  ["GET", "account/recovery", "recoveries"],
  ["DELETE", "account/recovery/:id", "cancelRecovery"],
  ["GET", "account/notices", "notices"],
  ["POST", "admin/people/:id/recovery", "recoverPerson"],
  ["GET", "account/apps", "connectedApps"],
  ["DELETE", "account/apps/:id", "cutOffApp"],
  ["GET", "account/launchable-apps", "launchableApps"],
  ["POST", "account/launches", "launchApp"],
  ["GET", "account/proxies", "proxies"],
  ["POST", "account/proxies", "inviteProxy"],
  ["POST", "account/proxies/accept", "acceptProxy"],
  ["DELETE", "account/proxies/:id", "endProxy"],
  ["POST", "admin/people/search", "searchPeople"],
  ["POST", "admin/people", "invitePerson"],
  ["GET", "admin/people/:id", "person"],
  ["PATCH", "admin/people/:id", "changePerson"],
  ["POST", "admin/people/:id/leave", "leavePerson"],
  ["POST", "admin/people/:id/invitation", "inviteAgain"],
  ["POST", "admin/people/:id/seal", "sealPerson"],
  ["POST", "admin/people/:id/grants", "grantPerson"],
  ["DELETE", "admin/grants/:id", "endPersonsGrant"],
  ["POST", "admin/kiosks", "makeKiosk"],
  ["DELETE", "admin/kiosks/:id", "withdrawKiosk"],
  ["GET", "kiosks", "kiosks"],
  ["POST", "kiosk-tickets", "handOver"],
] as const satisfies readonly (readonly [Method, string, string])[];

export type CallName = (typeof calls)[number][2];

interface Route {
  readonly methods: readonly Method[];
  readonly path: RegExp;
  readonly target: (found: RegExpExecArray) => Target;
}

const route = (method: Method, path: RegExp, target: Route["target"]): Route => ({
  methods: [method],
  path,
  target,
});

const oidc = (methods: Route["methods"], path: RegExp): Route => ({
  methods,
  path,
  target: () => ({ kind: "oidc" }),
});

const signIn = (method: "GET" | "POST", tail: string, action: SignInAction): Route =>
  route(method, new RegExp(`^/sign-in/([A-Za-z0-9_-]{1,64})/${tail}$`), (found) => ({
    kind: "sign-in",
    uid: found[1] ?? "",
    action,
  }));

const consent = (method: "GET" | "POST", step: "offer" | "answer"): Route =>
  route(method, new RegExp(`^/consent/([A-Za-z0-9_-]{1,64})/${step}$`), (found) => ({
    kind: "consent",
    uid: found[1] ?? "",
    step,
  }));

const operatorApps = (tail: string, action: OperatorAppsAction): Route =>
  route("POST", new RegExp(`^/internal/apps${tail}$`), () => ({ kind: "operator-apps", action }));

const routes: readonly Route[] = [
  oidc(["GET"], /^\/\.well-known\/(?:openid-configuration|oauth-authorization-server)$/),
  route("GET", /^(?:\/fhir)?\/\.well-known\/smart-configuration$/, () => ({
    kind: "smart-configuration",
  })),
  oidc(["GET"], /^\/oauth\/jwks$/),
  oidc(["GET", "POST"], /^\/oauth\/authorize$/),
  oidc(["GET"], /^\/oauth\/authorize\/[A-Za-z0-9_-]{1,64}$/),
  oidc(["POST"], /^\/oauth\/(?:token|revoke|introspect|par)$/),
  route("POST", /^\/oauth\/register$/, () => ({ kind: "register-client" })),
  route("POST", /^\/api\/identity\/device-posture$/, () => ({ kind: "device-posture" })),
  route("POST", /^\/api\/identity\/offline-lease$/, () => ({ kind: "offline-lease" })),
  route("GET", /^\/oauth\/end-session$/, () => ({ kind: "end-session" })),
  signIn("GET", "state", "state"),
  signIn("POST", "passkey/options", "passkey-options"),
  signIn("POST", "passkey/verify", "passkey"),
  signIn("POST", "password", "password"),
  signIn("POST", "totp", "totp"),
  signIn("POST", "outside/begin", "outside-begin"),
  signIn("POST", "outside/finish", "outside-finish"),
  route("GET", /^\/sign-in-with\/([a-z][a-z0-9-]{0,31})\/callback$/, (found) => ({
    kind: "outside-callback",
    provider: found[1] ?? "",
  })),
  consent("GET", "offer"),
  consent("POST", "answer"),
  route("POST", /^\/api\/identity\/enrol\/begin$/, () => ({ kind: "enrol", step: "begin" })),
  route("POST", /^\/api\/identity\/enrol\/finish$/, () => ({ kind: "enrol", step: "finish" })),
  ...recoverySteps.map((step) =>
    route("POST", new RegExp(`^/api/identity/recovery/${step}$`), () => ({
      kind: "recovery",
      step,
    })),
  ),
  ...kioskSteps.map((step) =>
    route("POST", new RegExp(`^/api/identity/kiosk/${step}$`), () => ({ kind: "kiosk", step })),
  ),
  route("GET", /^\/internal\/revocations$/, () => ({ kind: "revocations" })),
  route("POST", /^\/internal\/letters$/, () => ({ kind: "operator-letters" })),
  route("POST", /^\/api\/identity\/invitation\/redeem$/, () => ({ kind: "redeem" })),
  ...calls.map(([method, tail, name]) =>
    route(
      method,
      new RegExp(`^/api/identity/${tail.replace(":id", "([A-Za-z0-9_-]{1,128})")}$`),
      (found) => ({ kind: "call", name, id: found[1] ?? "" }),
    ),
  ),
  route("POST", /^\/internal\/accounts$/, () => ({ kind: "operator", action: "create" })),
  route("POST", /^\/internal\/enrolment-links$/, () => ({ kind: "operator", action: "link" })),
  operatorApps("", "register"),
  operatorApps("/list", "list"),
  operatorApps("/approve", "approve"),
  operatorApps("/revoke", "revoke"),
  ...outsideOperatorActions.map((action) =>
    route("POST", new RegExp(`^/internal/sign-in-with/${action}$`), () => ({
      kind: "operator-outside",
      action,
    })),
  ),
  ...operatorPeopleActions.map((action) =>
    route("POST", new RegExp(`^/internal/people/${action}$`), () => ({
      kind: "operator-people",
      action,
    })),
  ),
  ...operatorDevicesActions.map((action) =>
    route("POST", new RegExp(`^/internal/devices/${action}$`), () => ({
      kind: "operator-devices",
      action,
    })),
  ),
  route("POST", /^\/internal\/signing-keys$/, () => ({ kind: "operator-keys" })),
];

export type Found =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly code: "not-found" | "method-not-allowed" };

/** Finds what a path without its query asks for. */
export function findTarget(method: string, path: string): Found {
  let known = false;
  for (const { methods, path: pattern, target } of routes) {
    const found = pattern.exec(path);
    if (found === null) continue;
    known = true;
    if (methods.some((one) => one === method)) return { ok: true, target: target(found) };
  }
  return { ok: false, code: known ? "method-not-allowed" : "not-found" };
}
