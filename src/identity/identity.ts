import type { IncomingMessage } from "node:http";
import { parseJwks, type KeyOf } from "#core/access-token.ts";
import type { Clock } from "#core/clock.ts";
import type { AccountId, TenantId } from "#core/ids.ts";
import type { Handler } from "#core/net.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import { createFindAccount } from "#identity/accounts/account.ts";
import { createAppCalls } from "#identity/apps/app-calls.ts";
import { createConsent } from "#identity/apps/consent.ts";
import { createAppGrants } from "#identity/apps/grants.ts";
import { createLaunches } from "#identity/apps/launches.ts";
import { createBlind } from "#identity/blind.ts";
import { createAdminApps } from "#identity/clients/admin-apps.ts";
import { createRegisterClient } from "#identity/clients/dynamic-registration.ts";
import { createOperatorKeys, type OperatorKeys } from "#identity/signing/operator-keys.ts";
import { createTurning } from "#identity/signing/turning.ts";
import { isOwnNetworkAddress, sweepPendingClients } from "#identity/clients/client-store.ts";
import { createFetchKeys, type Fetch } from "#identity/clients/fetch-keys.ts";
import { answerIntrospection } from "#identity/clients/introspection.ts";
import { createServiceSessions } from "#identity/clients/service-session.ts";
import { createOperatorApps } from "#identity/clients/operator-apps.ts";
import { createClientRegistry } from "#identity/clients/registry.ts";
import { createPreferences } from "#identity/accounts/preferences.ts";
import { createAdmit } from "#identity/calls/admit.ts";
import { createCalls } from "#identity/calls/calls.ts";
import { createAdminDevices, deviceRoles } from "#identity/devices/admin-devices.ts";
import type { DeviceAuthority } from "#identity/devices/certificate.ts";
import { createManagedCalls } from "#identity/devices/managed-calls.ts";
import { createManaging, settleEnded } from "#identity/devices/managing.ts";
import type { DeviceManagers } from "#identity/devices/device-managers.ts";
import { createTakePosture } from "#identity/devices/posture.ts";
import { createLose } from "#identity/devices/lost.ts";
import { createOperatorDevices } from "#identity/devices/operator-devices.ts";
import { createOwnDevices } from "#identity/devices/own-devices.ts";
import { createEnrolment } from "#identity/enrolment/enrolment.ts";
import type { Event } from "#identity/event.ts";
import { createGate } from "#identity/gate.ts";
import { createHandler, type HandlerDeps } from "#identity/http/handler.ts";
import { identityLimits } from "#identity/limits.ts";
import { createEndSession } from "#identity/oidc/end-session.ts";
import { tellLaunchContext } from "#identity/oidc/launch-context.ts";
import { createProvider } from "#identity/oidc/provider.ts";
import { keepTokenTrail } from "#identity/oidc/token-trail.ts";
import { createOperatorAccounts } from "#identity/operator/accounts.ts";
import { createOperatorPeople } from "#identity/operator/people.ts";
import { createLinks } from "#identity/outside/links.ts";
import { createOutsideOperator } from "#identity/outside/operator.ts";
import { createOutsideSignIn } from "#identity/outside/outside-sign-in.ts";
import { createRelyingParty, type OpenOutside } from "#identity/outside/relying-party.ts";
import { createAdministration } from "#identity/people/administration.ts";
import { createAccepting } from "#identity/people/accepting.ts";
import { createInvitations } from "#identity/people/invitation.ts";
import { createProxies } from "#identity/people/proxies.ts";
import { createKioskDesk } from "#identity/kiosk/kiosk-desk.ts";
import { createKiosk } from "#identity/kiosk/kiosk.ts";
import { kioskClientId } from "#identity/kiosk/limits.ts";
import { createAskLease, createOfflineLeases } from "#identity/offline/leases.ts";
import { tellEndedLeases } from "#identity/offline/tell-ended.ts";
import { createOwnAccount } from "#identity/own-account.ts";
import { createOwnPasskeys } from "#identity/passkeys/own-passkeys.ts";
import { actedForBy, type ActedFor } from "#identity/people/grant.ts";
import { indexNames } from "#identity/people/name-indexing.ts";
import { createSecondDevice } from "#identity/passkeys/second-device.ts";
import type { AttestationRoots } from "#identity/passkeys/attestation.ts";
import { createPasskeys } from "#identity/passkeys/passkey.ts";
import { createCheckPassword, type CheckPassword } from "#identity/password/password.ts";
import { createThrottle } from "#identity/password/throttle.ts";
import { openSecrets, type Secrets } from "#identity/secrets.ts";
import { createLetters } from "#identity/recovery/letters.ts";
import { createOwnRecovery } from "#identity/recovery/own-recovery.ts";
import { createRecovery } from "#identity/recovery/recovery.ts";
import { createStaffRecovery } from "#identity/recovery/staff-recovery.ts";
import { recoveryWaitLimits, usualWaits, type RecoveryWaits } from "#identity/recovery/waits.ts";
import { usualLogOff, type LogOffRules } from "#identity/sessions/log-off.ts";
import { createOwnDevice } from "#identity/sessions/own-device.ts";
import { createOwnSessions } from "#identity/sessions/own-sessions.ts";
import { createRevocations } from "#identity/sessions/revocations.ts";
import { createSessions } from "#identity/sessions/session.ts";
import { createInteractions } from "#identity/sign-in/interaction.ts";
import { createPasswordSteps } from "#identity/sign-in/password-steps.ts";
import { keepToProvenBrowser } from "#identity/sign-in/proven-browser.ts";
import { createSignIn } from "#identity/sign-in/sign-in.ts";
import { smartConfiguration } from "#identity/smart-configuration.ts";
import { sweep } from "#identity/sweep-store.ts";
import { createTrail, type IdentityLog } from "#identity/trail.ts";
import type { Database } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface IdentityDeps {
  /** Entered as role phylax_identity. */
  readonly db: Database;
  readonly log: IdentityLog;
  /** Under this process's own key. */
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  /** Issuer of tokens and relying party of passkeys, e.g. https://localhost:8443. */
  readonly publicOrigin: string;
  readonly tenant: TenantId;
  /** The role that the caller's certificate names; null when it proved none. */
  readonly peerOf: (request: IncomingMessage) => ProcessRole | null;
  /** Name that the browser shows when it asks for a passkey. */
  readonly rpName: string;
  /** The age in years at which a parent's access to a child's record ends; States differ. */
  readonly parentEndsAtAge: number;
  /** The way out to the OpenID Providers of other houses. */
  readonly openOutside: OpenOutside;
  /** Signs the certificates of managed devices. */
  readonly deviceAuthority: DeviceAuthority;
  /** Who is heard about the health of devices; nobody when left out. */
  readonly deviceManagers?: DeviceManagers;
  /** Who is believed about authenticators; nobody when left out. */
  readonly attestationRoots?: AttestationRoots;
  readonly event?: Event;
  /** Asks the outside; the platform's own when left out. */
  readonly fetch?: Fetch;
  /** The operator's; what is usual when it is left out. */
  readonly logOff?: LogOffRules;
  readonly recoveryWaits?: RecoveryWaits;
}

export interface Identity {
  readonly handler: Handler;
  /** Ends the answers that end by no other means, before the listener is closed. */
  endStreams(): void;
  /** Stops the clean-up; the database stays the caller's. */
  close(): Promise<void>;
}

/** Our public keys as a JWK Set (RFC 7517 §5), as /oauth/jwks shows them. */
function publicKeysOf({ signingKeys }: Secrets): { readonly keys: readonly object[] } {
  return {
    keys: signingKeys.map(({ kty, crv, x, y, kid }) => ({
      kty,
      crv,
      x,
      y,
      kid,
      use: "sig",
      alg: "ES256",
    })),
  };
}

async function ownKeys(secrets: Secrets): Promise<KeyOf> {
  const keys = await parseJwks(publicKeysOf(secrets));
  invariant(keys.size === secrets.signingKeys.length, "a signing key is not a P-256 key");
  return async (kid) => keys.get(kid) ?? null;
}

function startSweeping(deps: IdentityDeps, turn: () => Promise<void>): () => Promise<void> {
  const { db, sealer, clock, event } = deps;
  let underWay: Promise<unknown> = Promise.resolve();
  const blind = async () => createBlind((await openSecrets(deps)).blindKey);
  const cleanUp = async (): Promise<void> => {
    await turn();
    await sweep(db, clock.now());
    await sweepPendingClients(db, clock.now());
    await indexNames({ db, sealer, blind });
    await settleEnded({ db, clock });
    await tellEndedLeases({ db, clock, trail: createTrail(deps.log, clock) });
  };
  const tellFailed = (error: unknown): void =>
    event?.("identity-sweep-failed", { name: error instanceof Error ? error.name : "unknown" });
  const timer = setInterval(() => {
    underWay = cleanUp().catch(tellFailed);
  }, identityLimits.sweepEveryMs);
  let settling: Promise<void> | null = null;
  // A device that is healthy no more must not wait for the clean-up to stand lower.
  const settler = setInterval(() => {
    settling ??= settleEnded({ db, clock }, identityLimits.settleWithinMs)
      .catch(tellFailed)
      .finally(() => (settling = null));
  }, identityLimits.settleEveryMs);
  timer.unref();
  settler.unref();
  return async () => {
    clearInterval(timer);
    clearInterval(settler);
    await underWay;
    await settling;
  };
}

function createGuardedPassword(): CheckPassword {
  const { hashesAtOnce, hashesWaiting } = identityLimits;
  return createCheckPassword(createGate({ atOnce: hashesAtOnce, waiting: hashesWaiting }));
}

async function buildHandler(
  deps: IdentityDeps & Pick<HandlerDeps, "followRevocations">,
  secrets: Secrets,
  rotate: OperatorKeys,
): Promise<Handler> {
  const keyOf = await ownKeys(secrets);
  const { db, sealer, clock, publicOrigin } = deps;
  const event: Event = deps.event ?? (() => {});
  const outer = {
    ...deps,
    event,
    keyOf,
    secrets,
    blind: createBlind(secrets.blindKey),
    logOff: deps.logOff ?? usualLogOff,
    attestationRoots: deps.attestationRoots ?? new Map(),
  };
  const inner = {
    ...outer,
    trail: createTrail(deps.log, clock),
    findAccount: createFindAccount(db, sealer, clock),
    sessions: createSessions(outer),
    passkeys: createPasskeys(outer),
    clients: createClientRegistry(outer),
    fetchKeys: createFetchKeys({
      fetch: deps.fetch ?? fetch,
      isOwnNetwork: (url) => isOwnNetworkAddress(db, url),
    }),
    grants: createAppGrants(outer),
    launches: createLaunches(outer),
  };
  const admit = createAdmit(inner);
  const calls = createCalls({ ...inner, admit });
  const administrators = createCalls({ ...inner, admit, roles: ["administrator"] });
  const deviceKeepers = createCalls({ ...inner, admit, roles: deviceRoles });
  const staff = createCalls({ ...inner, admit, roles: ["clinician", "administrator"] });
  const admitKiosk = createAdmit({ ...inner, takes: (client) => client === kioskClientId });
  const openServiceSession = createServiceSessions(inner);
  const provider = createProvider({ ...inner, openServiceSession });
  keepToProvenBrowser(provider, publicOrigin, inner.blind);
  tellLaunchContext(provider);
  keepTokenTrail(provider, inner.trail, event);
  answerIntrospection(provider, inner);
  const lose = createLose(inner);
  const managing = createManaging(inner);
  const throttle = createThrottle(outer);
  const recoveryWaits = deps.recoveryWaits ?? usualWaits;
  if (recoveryWaits.codeMs < recoveryWaitLimits.codeMs.safe)
    event("recovery-wait-short", { seconds: recoveryWaits.codeMs / 1_000 });
  const passwordSteps = createPasswordSteps({
    ...outer,
    throttle,
    checkPassword: createGuardedPassword(),
  });
  const interactions = createInteractions({ ...inner, provider });
  const links = createLinks(inner);
  const relyingParty = createRelyingParty(outer);
  const outside = createOutsideSignIn({ ...inner, links, relyingParty });
  const actsFor = (account: AccountId): Promise<readonly ActedFor[]> =>
    actedForBy(db, account, clock.now(), inner);
  return createHandler({
    ...outer,
    library: provider.callback(),
    smartConfiguration: smartConfiguration(publicOrigin),
    publicKeys: publicKeysOf(secrets),
    signIn: createSignIn({ ...inner, passwordSteps, interactions, outside }),
    consent: createConsent({ ...inner, provider, interactions, actsFor }),
    enrolment: createEnrolment(inner),
    invitations: createInvitations({ ...inner, throttle }),
    calls: {
      ...createOwnAccount(calls, inner.sessions),
      ...createOwnSessions({ ...inner, calls }),
      ...createOwnPasskeys({ ...inner, calls }),
      ...createPreferences({ ...inner, calls }),
      ...createAdminApps({ ...inner, calls: administrators }),
      ...createOwnDevice({ ...inner, calls: administrators }),
      ...createOwnDevices({ ...inner, calls, lose }),
      ...createAdminDevices({ ...inner, calls: deviceKeepers, lose }),
      ...createManagedCalls({ clock, calls, keepers: deviceKeepers, managing }),
      ...createOfflineLeases({ ...inner, calls }),
      ...createSecondDevice({ ...inner, calls }),
      ...createOwnRecovery({ ...inner, calls }),
      ...createStaffRecovery({ ...inner, calls: administrators, recoveryWaits }),
      ...createAppCalls({ ...inner, calls }),
      ...createProxies({ ...inner, calls }),
      ...createAccepting({ ...inner, calls, throttle }),
      ...createKioskDesk({ ...inner, calls, administrators, staff }),
      ...createAdministration({ ...inner, calls: administrators }),
    },
    kiosk: createKiosk({ ...inner, admit: admitKiosk }),
    recovery: createRecovery({ ...inner, throttle, recoveryWaits }),
    letters: createLetters(inner),
    endSession: createEndSession({ ...inner, provider }),
    operatorAccounts: createOperatorAccounts(inner),
    operatorApps: createOperatorApps(inner),
    operatorDevices: createOperatorDevices({ ...inner, lose, managing }),
    operatorPeople: createOperatorPeople(inner),
    outside,
    outsideOperator: createOutsideOperator({ ...inner, links }),
    rotateKeys: rotate,
    registerClient: createRegisterClient(inner),
    askLease: createAskLease(inner),
    takePosture: createTakePosture({
      ...inner,
      deviceManagers: deps.deviceManagers ?? new Map(),
    }),
  });
}

/**
 * Builds the identity process: sign-in, accounts, devices, sessions and tokens. Fails as
 * "storage-unavailable" when the database does not answer; throws when a key of its own does not
 * open under the sealer.
 */
export async function createIdentity(deps: IdentityDeps): Promise<Result<Identity>> {
  const revocations = createRevocations(deps);
  const own = { ...deps, followRevocations: revocations.follow };
  const turning = await attempt(() =>
    createTurning({
      read: () => openSecrets(deps),
      nameOf: ({ signingKeys }) => signingKeys.map(({ kid }) => kid).join(" "),
      build: (secrets, turn) => {
        const trail = createTrail(deps.log, deps.clock);
        return buildHandler(own, secrets, createOperatorKeys({ ...deps, trail, turn }));
      },
    }),
  );
  if (!turning.ok) return turning;
  const { handler, turn } = turning.value;
  return ok({ handler, endStreams: revocations.end, close: startSweeping(deps, turn) });
}
