import { laterBy, toIso, type Clock } from "#core/clock.ts";
import { parseAccountId, parseResourceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { closeAccount, insertAccount } from "#identity/accounts/account-store.ts";
import { displayNamePurpose } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import type { Act, CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { textOf } from "#identity/http/body.ts";
import { handOver } from "#identity/kiosk/hand-over.ts";
import { insertKiosk, kiosks, withdrawKiosk } from "#identity/kiosk/kiosk-store.ts";
import { kioskLimits } from "#identity/kiosk/limits.ts";
import { newCode, printedCode } from "#identity/people/paper-code.ts";
import { sealText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface KioskDeskDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  /** Of anybody. */
  readonly calls: Calls;
  /** Of administrators alone. */
  readonly administrators: Calls;
  /** Of those who work with kiosks. */
  readonly staff: Calls;
}

export interface KioskDesk {
  /** `{ location }`, a Location's FHIR id: `{ id, location, code, codeEndsAt }`; the code sets one tablet up, once. */
  readonly makeKiosk: CallHandler;
  /** `{ items: { id, location, isSetUp }[] }` */
  readonly kiosks: CallHandler;
  /** Ends what it is doing, and it begins nothing again. */
  readonly withdrawKiosk: CallHandler;
  /** `{ patient, visit, kiosk? }`: `{ code, expiresAt }`; see hand-over.ts. */
  readonly handOver: CallHandler;
}

const notFound = problemAnswer(problem("not-found"));

const make =
  ({ db, sealer, clock, random, blind }: KioskDeskDeps): Act =>
  async ({ account, request }) => {
    const text = textOf(request.body, "location", kioskLimits.locationChars);
    const location = text === null ? null : parseResourceId(text);
    if (location === null) return problemAnswer(problem("parameter-invalid", { at: "location" }));
    const id = parseAccountId(random.uuid());
    invariant(id !== null, "a fresh uuid is an account id");
    const now = clock.now();
    const code = newCode(random, kioskLimits.setUpCodeChars);
    const codeEndsAt = laterBy(now, kioskLimits.setUpMs);
    await db.transaction(async (tx) => {
      await insertAccount(tx, {
        id,
        externalBlind: null,
        loginBlind: null,
        displayNameSealed: sealText(sealer, displayNamePurpose(id), `Kiosk ${location}`),
        loginSealed: null,
        roles: ["kiosk"],
        patients: [],
        practitioner: null,
        createdAt: now,
        kind: "service",
        status: "active",
        departments: [],
        nameBlind: [],
      });
      const codeBlind = blind("kiosk-set-up", code);
      await insertKiosk(tx, { id, location, by: account.id, codeBlind, codeEndsAt, now });
    });
    return answer({ id, location, code: printedCode(code), codeEndsAt: toIso(codeEndsAt) });
  };

const withdraw =
  ({ db, clock }: KioskDeskDeps): Act =>
  async ({ request }) => {
    const id = parseAccountId(request.id);
    if (id === null) return notFound;
    const wasThere = await db.transaction(async (tx) => {
      if (!(await withdrawKiosk(tx, id, clock.now()))) return false;
      await closeAccount(tx, id);
      return true;
    });
    return wasThere ? answer({ withdrawn: true }) : notFound;
  };

/** Who makes kiosks, and who hands visits over to them. */
export function createKioskDesk(deps: KioskDeskDeps): KioskDesk {
  const { db, calls, administrators, staff } = deps;
  const administered = (name: string) => ({ action: "administer", name, isAboutId: true }) as const;
  return {
    makeKiosk: administrators.change(administered("kiosk-made"), make(deps)),
    kiosks: staff.read(async () => answer({ items: await kiosks(db, kioskLimits.kiosks) })),
    withdrawKiosk: administrators.end(administered("kiosk-withdrawn"), withdraw(deps)),
    handOver: calls.change({ action: "enrol", name: "kiosk-handed-over" }, handOver(deps)),
  };
}
