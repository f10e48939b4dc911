import { laterBy, toIso, type Clock, type Instant } from "#core/clock.ts";
import { createKnownSigners, verifyDpopProof, type DpopProof } from "#core/dpop.ts";
import { parseAccountId, parseDeviceId, type AccountId, type DeviceId } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { Blind, BlindKind } from "#identity/blind.ts";
import type { Admit, TokenRequest } from "#identity/calls/admit.ts";
import { keyBinding } from "#identity/devices/certificate-store.ts";
import { settleLevel } from "#identity/devices/evidence-store.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import { kioskOfCode, kioskOfKey, setUpKiosk, type KioskRow } from "#identity/kiosk/kiosk-store.ts";
import { signKioskToken } from "#identity/kiosk/kiosk-token.ts";
import { kioskClientId, kioskLimits } from "#identity/kiosk/limits.ts";
import { takeTicket, tieSession, type TicketRow } from "#identity/kiosk/ticket-store.ts";
import type { Secrets } from "#identity/secrets.ts";
import { seeDevice, setDeviceKind } from "#identity/sessions/device-store.ts";
import { sealSeen } from "#identity/sessions/seen.ts";
import { openSession } from "#identity/sessions/session-store.ts";
import type { Sessions } from "#identity/sessions/session.ts";
import type { Happening, Proof, Trail } from "#identity/trail.ts";
import type { Database, Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface KioskDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  readonly secrets: Secrets;
  readonly publicOrigin: string;
  readonly trail: Trail;
  readonly sessions: Pick<Sessions, "endAccount">;
  /** Of kiosks' tokens alone. */
  readonly admit: Admit;
}

export const kioskSteps = ["set-up", "begin", "end"] as const;
export type KioskStep = (typeof kioskSteps)[number];

/**
 * What a tablet asks. `set-up` and `begin` come with `Authorization: DPoP CODE` and a proof of the
 * tablet's key over that code (RFC 9449 §4.3, the code in the place of the token): so a code is
 * taken by the key that proves itself and by no other. `set-up` answers `{ location }`; `begin` answers
 * `{ accessToken, patient, visit, location, endsAt }`. `end` comes with that token and ends it. A code that
 * is wrong, over, used, or another kiosk's is "not-found" alike; a key that is no kiosk's "forbidden".
 */
export type Kiosk = Readonly<Record<KioskStep, (request: TokenRequest) => Promise<Answer>>>;

interface ShownCode {
  readonly blind: Buffer;
  readonly proof: DpopProof;
}

/** As Crockford's base32 is read: I and L are 1, O is 0. */
const plainCode = (text: string): string =>
  text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll(/[IL]/g, "1").replaceAll("O", "0");

interface Begun {
  readonly account: AccountId;
  readonly session: string;
  readonly device: string;
  readonly ticket: TicketRow;
  readonly endsAt: Instant;
}

async function openFor(
  tx: Queryable,
  {
    kiosk,
    jkt,
    codeBlind,
    request,
  }: {
    readonly kiosk: KioskRow;
    readonly jkt: string;
    readonly codeBlind: Buffer;
    readonly request: TokenRequest;
  },
  deps: KioskDeps,
): Promise<Begun | null> {
  const { clock, random, blind, sealer, sessions } = deps;
  const now = clock.now();
  const account = parseAccountId(kiosk.id);
  invariant(account !== null, "a kiosk's id is no account's");
  const device = await seeDevice(tx, { id: random.uuid(), account, jkt, level: 1, now });
  if (device === null) return null;
  const ticket = await takeTicket(tx, { codeBlind, kiosk: kiosk.id, now });
  if (ticket === null) return null;
  await settleLevel(tx, jkt, now);
  // One patient at a time: whoever was before is out, whether or not she said so.
  await sessions.endAccount(account, tx);
  const grant = random.uuid();
  const login = blind("browser-login", `kiosk:${grant}`);
  const endsAt = laterBy(now, kioskLimits.sessionMs);
  const { address, zone } = request.facts;
  const opened = await openSession(tx, {
    id: random.uuid(),
    account,
    device: device.id,
    client: kioskClientId,
    browser: blind("browser", `kiosk:${grant}`),
    login,
    grant: blind("oidc-grant", `kiosk:${grant}`),
    now,
    idleMs: kioskLimits.sessionMs,
    endsAt,
    signedInAt: now,
    seenSealed: sealSeen(sealer, login, { deviceName: null, address, zone }),
    actsFor: [ticket.patient],
    actsForFromMs: [0],
    actsForUntilMs: [endsAt],
  });
  invariant(opened !== null, "a fresh session is opened");
  await tieSession(tx, opened.id, ticket);
  return { account, session: opened.id, device: opened.device, ticket, endsAt };
}

export function createKiosk(deps: KioskDeps): Kiosk {
  const { db, clock, random, blind, publicOrigin, trail, sessions } = deps;
  const known = createKnownSigners();
  const shownCode = async (
    { authorization, proof = "", method, path }: TokenRequest,
    kind: BlindKind,
  ): Promise<Result<ShownCode>> => {
    const code = /^DPoP ([A-Za-z0-9-]+)$/i.exec(authorization ?? "")?.[1] ?? "";
    if (code === "" || code.length > kioskLimits.codeChars) return refuse("token-missing");
    const url = publicOrigin + path;
    const asked = { proof, method, url, accessToken: code, now: clock.now(), known };
    const proven = await verifyDpopProof(asked);
    return proven.ok ? ok({ blind: blind(kind, plainCode(code)), proof: proven.value }) : proven;
  };
  const note = async (
    told: Partial<Happening>,
    request: TokenRequest,
    proof?: Proof,
  ): Promise<Problem | null> =>
    trail.note({ action: "enrol", facts: request.facts, ...told }, proof);
  const deny = async (
    found: Problem,
    request: TokenRequest,
    about: AccountId | null = null,
  ): Promise<Answer> => {
    const unwritten = await note({ refused: found.code, about }, request);
    return problemAnswer(unwritten ?? found);
  };
  const certificateOf = async (
    jkt: string,
    { certificate: thumbprint }: TokenRequest,
  ): Promise<Result<string | null>> => {
    const binding = await keyBinding(db, { jkt, thumbprint, now: clock.now() });
    if (binding === "missing") return refuse("proof-invalid", { at: "certificate" });
    return ok(binding === "shown" ? thumbprint : null);
  };

  const setUp = async (tx: Queryable, { blind: code, proof }: ShownCode) => {
    const now = clock.now();
    const kiosk = await kioskOfCode(tx, code, now);
    const account = kiosk === null ? null : parseAccountId(kiosk.id);
    if (kiosk === null || account === null) return null;
    if ((await kioskOfKey(tx, proof.jkt)) !== null) return null;
    const seen = { id: random.uuid(), account, jkt: proof.jkt, level: 1, now } as const;
    const device = await seeDevice(tx, seen);
    const id: DeviceId | null = device === null ? null : parseDeviceId(device.id);
    if (id === null) return null;
    await setDeviceKind(tx, id, "kiosk");
    await setUpKiosk(tx, kiosk.id, proof.jkt);
    return { kiosk, account, device: id };
  };

  return {
    "set-up": async (request) => {
      const shown = await shownCode(request, "kiosk-set-up");
      if (!shown.ok) return deny(shown.problem, request);
      const done = await db.transaction((tx) => setUp(tx, shown.value));
      if (done === null) return deny(problem("not-found"), request);
      const { account: about, device } = done;
      const told = { about, device, reasons: ["kiosk-set-up"] };
      const unwritten = await note(told, request, shown.value.proof);
      return unwritten === null
        ? answer({ location: done.kiosk.location })
        : problemAnswer(unwritten);
    },
    begin: async (request) => {
      const shown = await shownCode(request, "kiosk-ticket");
      if (!shown.ok) return deny(shown.problem, request);
      const { proof, blind: codeBlind } = shown.value;
      const { jkt } = proof;
      const kiosk = await kioskOfKey(db, jkt);
      if (kiosk === null) return deny(problem("forbidden"), request);
      const about = parseAccountId(kiosk.id);
      const certificate = await certificateOf(jkt, request);
      if (!certificate.ok) return deny(certificate.problem, request, about);
      const asked = { kiosk, jkt, codeBlind, request };
      const begun = await db.transaction((tx) => openFor(tx, asked, deps));
      if (begun === null) return deny(problem("not-found"), request, about);
      const { account, session, device, ticket, endsAt } = begun;
      const told = { about: account, session, device, client: kioskClientId };
      const unwritten = await note({ ...told, reasons: ["kiosk-begun"] }, request, proof);
      if (unwritten !== null) {
        await sessions.endAccount(account);
        return problemAnswer(unwritten);
      }
      const { patient, visit } = ticket;
      const named = { account, session, device, patient, jkt, certificate: certificate.value };
      const accessToken = await signKioskToken({ ...named, now: clock.now(), endsAt }, deps);
      const { location } = kiosk;
      return answer({ accessToken, patient, visit, location, endsAt: toIso(endsAt) });
    },
    end: async (request) => {
      const admitted = await deps.admit(request);
      if (!admitted.ok) return deny(admitted.problem, request);
      const { claims, proof } = admitted.value;
      await sessions.endAccount(claims.account);
      const { account: about, session, device, client } = claims;
      const told = { about, session, device, client, reasons: ["kiosk-ended"] };
      const unwritten = await note(told, request, proof);
      return unwritten === null ? answer({ ended: true }) : problemAnswer(unwritten);
    },
  };
}
