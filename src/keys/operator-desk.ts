import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { Brake } from "#keys/brake.ts";
import type { RecordUse } from "#keys/desk.ts";
import type { KeyAction, KeyCaller, KeyUse } from "#keys/key-use.ts";
import type { Kms } from "#keys/kms/kms.ts";
import type { BareRing, MoveRecord, RingKeeper } from "#keys/ring-keeper.ts";
import {
  parseEscrowRequest,
  parseLiftRequest,
  parseMoveRequest,
  parseRetireRequest,
} from "#keys/wire.ts";

/** Another KMS, open, and how its choice is kept. */
export interface ChosenKms {
  readonly kms: Kms;
  readonly record: MoveRecord;
}

export interface OperatorDeskDeps {
  readonly keeper: RingKeeper;
  /** Opens what a value chooses; "parameter-invalid" when it is no choice that we know. */
  readonly chooseKms: (choice: unknown) => Promise<Result<ChosenKms>>;
  readonly sealForEscrow: (ring: BareRing, recipient: string) => Promise<Result<Buffer>>;
  readonly record: RecordUse;
  readonly brake: Pick<Brake, "lift">;
}

/** Changes of the ring, for the role "operator" alone: the caller has seen to that. */
export interface OperatorDesk {
  startEpoch(caller: KeyCaller): Promise<Result<unknown>>;
  retireEpochs(caller: KeyCaller, body: unknown): Promise<Result<unknown>>;
  moveKms(caller: KeyCaller, body: unknown): Promise<Result<unknown>>;
  liftBrake(caller: KeyCaller, body: unknown): Promise<Result<unknown>>;
  ring(caller: KeyCaller): Promise<Result<{ readonly file: string }>>;
  /** `file` in base64. */
  escrow(caller: KeyCaller, body: unknown): Promise<Result<{ readonly file: string }>>;
}

export function createOperatorDesk(deps: OperatorDeskDeps): OperatorDesk {
  const { keeper, record } = deps;
  const recorded = <T>(
    action: KeyAction,
    caller: KeyCaller,
    work: () => Promise<Result<T>>,
  ): Promise<Result<T>> => withRecord(record, { action, caller }, work);
  return {
    startEpoch: (caller) => recorded("epoch-start", caller, () => keeper.startEpoch()),
    retireEpochs: async (caller, body) => {
      const before = parseRetireRequest(body);
      if (before === null) return refuse("parameter-invalid");
      return recorded("epoch-retire", caller, () => keeper.retireEpochs(before));
    },
    moveKms: async (caller, body) => {
      const asked = parseMoveRequest(body);
      if (asked === null) return refuse("parameter-invalid");
      return recorded("kms-move", caller, async () => {
        const chosen = await deps.chooseKms(asked.kms);
        if (!chosen.ok) return chosen;
        const moved = await keeper.moveTo(chosen.value.kms, chosen.value.record);
        if (!moved.ok) await chosen.value.kms.close();
        return moved;
      });
    },
    liftBrake: async (caller, body) => {
      const asked = parseLiftRequest(body);
      if (asked === null) return refuse("parameter-invalid");
      const lift = async (): Promise<Result<null>> => {
        deps.brake.lift(asked.patients, asked.minutes);
        return ok(null);
      };
      return recorded("brake-lift", caller, lift);
    },
    ring: (caller) => recorded("ring-read", caller, async () => ok({ file: keeper.file() })),
    escrow: async (caller, body) => {
      const recipient = parseEscrowRequest(body);
      if (recipient === null) return refuse("parameter-invalid");
      return recorded("escrow", caller, async () => {
        const sealed = await keeper.lend((ring) => deps.sealForEscrow(ring, recipient));
        return sealed.ok ? ok({ file: sealed.value.toString("base64") }) : sealed;
      });
    },
  };
}

/** Two lines: no change goes on without the first, no answer without the second. */
async function withRecord<T>(
  record: RecordUse,
  use: Pick<KeyUse, "action" | "caller">,
  work: () => Promise<Result<T>>,
): Promise<Result<T>> {
  const empty = { ...use, given: [], refused: [], signals: [] } as const;
  const begun = await record({ ...empty, outcome: "begun" });
  if (!begun.ok) return begun;
  const done = await work();
  const told = await record({ ...empty, outcome: done.ok ? "done" : done.problem.code });
  return told.ok ? done : told;
}
