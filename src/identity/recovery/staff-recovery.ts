import { laterBy, toIso, type Clock } from "#core/clock.ts";
import { parseAccountId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { FindAccount } from "#identity/accounts/account.ts";
import type { Blind } from "#identity/blind.ts";
import type { Act, CallHandler, Calls } from "#identity/calls/calls.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { textOf } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import { insertRecovery } from "#identity/recovery/recovery-store.ts";
import { makeRecoveryToken } from "#identity/recovery/recovery.ts";
import { recoveryOpenMs, type RecoveryWaits } from "#identity/recovery/waits.ts";
import { sealText } from "#identity/sealed.ts";
import type { Queryable } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface StaffRecoveryDeps {
  readonly db: Queryable;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly blind: Blind;
  /** Of administrators alone. */
  readonly calls: Calls;
  readonly findAccount: FindAccount;
  readonly recoveryWaits: RecoveryWaits;
}

/** NIST SP 800-63A-4 §2.2: how surely the person was proven to be who she says. */
const levels = ["IAL1", "IAL2", "IAL3"] as const;

const begin =
  (deps: StaffRecoveryDeps): Act =>
  async ({ account: admin, request }) => {
    const { db, clock, random, blind } = deps;
    const id = parseAccountId(request.id);
    const person = id === null ? null : await deps.findAccount(id);
    if (person?.kind !== "person") return problemAnswer(problem("not-found"));
    // Nobody vouches for herself.
    if (person.id === admin.id) return problemAnswer(problem("forbidden"));
    const level = levels.find((known) => known === request.body["level"]);
    if (level === undefined) return problemAnswer(problem("parameter-invalid", { at: "level" }));
    const evidence = textOf(request.body, "evidence", identityLimits.evidenceChars);
    if (evidence === null) return problemAnswer(problem("parameter-invalid", { at: "evidence" }));
    const now = clock.now();
    const readyAt = laterBy(now, deps.recoveryWaits.staffMs);
    const recovery = random.uuid();
    const token = makeRecoveryToken(random);
    const proofing = JSON.stringify({ level, evidence });
    await insertRecovery(db, {
      id: recovery,
      tokenHash: blind("recovery-token", token),
      account: person.id,
      way: "staff",
      now,
      readyAt,
      expiresAt: laterBy(readyAt, recoveryOpenMs),
      proofedBy: admin.id,
      proofingSealed: sealText(deps.sealer, `recovery-proofing:${recovery}`, proofing),
    });
    return answer({ recoveryPath: `/recovery#token=${token}`, readyAt: toIso(readyAt) }, 201);
  };

export interface StaffRecovery {
  /**
   * `{ level, evidence }`: an administrator has proven who the person is, and by what. Answers
   * `{ recoveryPath, readyAt }`, to be handed to the person; the evidence lies sealed.
   */
  readonly recoverPerson: CallHandler;
}

export function createStaffRecovery(deps: StaffRecoveryDeps): StaffRecovery {
  const deed = {
    action: "account-change",
    name: "recovery-by-staff",
    signal: "recovery-begun",
    isAboutId: true,
  } as const;
  return { recoverPerson: deps.calls.sensitive(deed, begin(deps)) };
}
