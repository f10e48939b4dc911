import { setImmediate as nextTurn } from "node:timers/promises";
import { parsePseudonym } from "#core/ids.ts";
import type { UnwrappedKey } from "#core/key-service.ts";
import type {
  GenerateAnswer,
  KeyLogHead,
  KeySignal,
  KeyStatus,
  RewrapAnswer,
  UnwrapAnswer,
  WrappedKey,
} from "#core/key-wire.ts";
import { refuse, type ProblemCode } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { ProcessRole } from "#core/roles.ts";
import {
  keyTold,
  type KeyCaller,
  type KeyRefused,
  type KeyTold,
  type KeyUse,
} from "#keys/key-use.ts";
import { wrappedKeyBytes, type KeyRing } from "#keys/ring.ts";
import {
  parseGenerateRequest,
  parseRewrapRequest,
  parseUnwrapRequest,
  type WrappedBatch,
} from "#keys/wire.ts";

/**
 * Resolves well once the use is written down durably, with all the signals of it; when it does not,
 * nothing is answered.
 */
export type RecordUse = (use: KeyUse) => Promise<Result<readonly KeySignal[]>>;

/** What the brake says of a caller that wants keys of these compartments. */
export interface BrakeVerdict {
  /** False: none of the keys may be unwrapped. */
  readonly pass: boolean;
  readonly signals: readonly KeySignal[];
}

export interface DeskDeps {
  /** The ring as it is at the moment of asking. */
  readonly ring: () => KeyRing;
  readonly random: Random;
  readonly record: RecordUse;
  /** Signals that this caller is to be told now. */
  readonly takeSignals: (caller: KeyCaller) => readonly KeySignal[];
  readonly brake: {
    check(caller: KeyCaller, patients: readonly string[]): BrakeVerdict;
  };
  readonly head: () => KeyLogHead;
}

/** What records and identity ask of the keys process; an operator only has keys wrapped anew. */
export interface Desk {
  unwrap(caller: KeyCaller, body: unknown): Promise<Result<UnwrapAnswer>>;
  generate(caller: KeyCaller, body: unknown): Promise<Result<GenerateAnswer>>;
  rewrap(caller: KeyCaller, body: unknown): Promise<Result<RewrapAnswer>>;
  status(): KeyStatus;
}

const dataKeyBytes = 32;
/** Some milliseconds' work, after which who waits for a single key has its turn. */
const rewrapsPerTurn = 256;

export function createDesk(deps: DeskDeps): Desk {
  let unwraps = 0;
  return {
    unwrap: async (caller, body) => {
      const answer = await unwrap(deps, caller, body);
      if (!answer.ok)
        return isBraked(answer) ? withSignals(answer, deps.takeSignals(caller)) : answer;
      unwraps += answer.value.keys.filter((key) => key.ok).length;
      const signals = deps.takeSignals(caller);
      return signals.length === 0 ? answer : ok({ ...answer.value, signals });
    },
    generate: (caller, body) => generate(deps, caller, body),
    rewrap: (caller, body) => rewrap(deps, caller, body),
    status: () => {
      const { kms, currentEpoch: kekEpoch, epochs } = deps.ring();
      return { kms, kekEpoch, epochs, unwraps, log: deps.head() };
    },
  };
}

const isPatients = (compartment: string): boolean => parsePseudonym(compartment) !== null;

/** Whose keys a process may hold: a patient's key is never identity's, nor identity's anyone else's. */
function mayHave(who: ProcessRole, compartment: string): boolean {
  switch (who) {
    case "records":
      return compartment === "organisation" || isPatients(compartment);
    case "identity":
      return compartment === "identity";
    case "gateway":
    case "keys":
    case "operator":
      return false;
    default:
      return unreachable(who);
  }
}

/** A key that is wrapped anew stays here: an operator may have that done for every compartment. */
function mayRewrap(who: ProcessRole, compartment: string): boolean {
  return who === "operator" || mayHave(who, compartment);
}

const nothingUsed = { given: [], refused: [], signals: [] } as const;

async function unwrap(
  { ring, record, brake }: DeskDeps,
  caller: KeyCaller,
  body: unknown,
): Promise<Result<UnwrapAnswer>> {
  const asked = parseUnwrapRequest(body);
  if (asked === null) return refuse("parameter-invalid");
  const { keys } = asked;
  const allowed = keys.filter(({ compartment }) => mayHave(caller.role, compartment));
  const patients = new Set(allowed.map(({ compartment }) => compartment).filter(isPatients));
  const { pass, signals } = brake.check(caller, [...patients]);
  if (!pass) {
    const told = await record({
      ...nothingUsed,
      signals,
      caller,
      action: "unwrap",
      outcome: braked,
    });
    return told.ok ? refuse(braked) : told;
  }
  const now = ring();
  const found = keys.map((key) =>
    mayHave(caller.role, key.compartment) ? now.unwrap(key) : notYours,
  );
  try {
    const told = await record({
      ...outcomesOf(keys, found),
      action: "unwrap",
      caller,
      outcome: "done",
      signals,
    });
    if (!told.ok) return told;
    return ok({ keys: found.map(printed) });
  } finally {
    wipe(found);
  }
}

const notYours = { ok: false, code: "not-yours" } as const;

const braked: ProblemCode = "key-brake";

type Refused = Extract<Result<never>, { ok: false }>;

const isBraked = ({ problem }: Refused): boolean => problem.code === braked;

/** As findings, which the server shows to whoever was refused. */
function withSignals({ problem }: Refused, signals: readonly KeySignal[]): Refused {
  const also = signals.map((signal) => ({ at: "signal", detail: signal }));
  return refuse(problem.code, also.length === 0 ? {} : { also });
}

function outcomesOf(
  keys: readonly WrappedKey[],
  found: readonly (
    | { readonly ok: true }
    | { readonly ok: false; readonly code: KeyRefused["code"] }
  )[],
): Pick<KeyUse, "given" | "refused"> {
  const refused = keys.flatMap((key, i) => {
    const answer = found[i];
    return answer?.ok === false ? [{ ...keyTold(key), code: answer.code }] : [];
  });
  return { given: keys.filter((_, i) => found[i]?.ok === true).map(keyTold), refused };
}

function printed(key: UnwrappedKey): UnwrapAnswer["keys"][number] {
  return key.ok ? { ok: true, key: key.key.toString("base64url") } : key;
}

function wipe(keys: readonly UnwrappedKey[]): void {
  for (const key of keys) if (key.ok) key.key.fill(0);
}

async function generate(
  { ring, random, record }: DeskDeps,
  caller: KeyCaller,
  body: unknown,
): Promise<Result<GenerateAnswer>> {
  const asked = parseGenerateRequest(body);
  if (asked === null) return refuse("parameter-invalid");
  const { tenant, compartments } = asked;
  if (!compartments.every(({ compartment }) => mayHave(caller.role, compartment)))
    return refuse("forbidden");
  const now = ring();
  const made = compartments.map((name) => {
    const key = random.bytes(dataKeyBytes);
    return { key, wrapped: now.wrap({ tenant, ...name }, key) };
  });
  try {
    const given = made.map(({ wrapped }) => keyTold(wrapped));
    const use = { ...nothingUsed, given, caller };
    const told = await record({ ...use, action: "generate", outcome: "done" });
    if (!told.ok) return told;
    return ok({
      keys: made.map(({ wrapped, key }) => ({ wrapped, key: key.toString("base64url") })),
    });
  } finally {
    for (const { key } of made) key.fill(0);
  }
}

async function rewrap(
  { ring, record }: DeskDeps,
  caller: KeyCaller,
  body: unknown,
): Promise<Result<RewrapAnswer>> {
  const asked = parseRewrapRequest(body);
  if (asked === null) return refuse("parameter-invalid");
  const now = ring();
  const { wrapped, given, refused } = await rewrapAllowed(now, caller, asked);
  const told = await record({
    given,
    refused: refused.map(({ key, code }) => ({ ...key, code })),
    action: "rewrap",
    caller,
    outcome: "done",
    signals: [],
  });
  if (!told.ok) return told;
  return ok({
    kekEpoch: now.currentEpoch,
    wrapped: wrapped.toString("base64url"),
    refused: refused.map(({ place, code }) => ({ place, code })),
  });
}

interface Rewrapped {
  readonly wrapped: Buffer;
  readonly given: readonly KeyTold[];
  readonly refused: readonly {
    readonly place: number;
    readonly key: KeyTold;
    readonly code: KeyRefused["code"];
  }[];
}

async function rewrapAllowed(
  ring: KeyRing,
  { role }: KeyCaller,
  { tenant, keys, sealed }: WrappedBatch,
): Promise<Rewrapped> {
  const rewrapOne = ring.rewrapper(tenant, keys.length);
  const wrapped = Buffer.allocUnsafe(sealed.length);
  const given: KeyTold[] = [];
  const refused: Rewrapped["refused"][number][] = [];
  for (const [place, key] of keys.entries()) {
    if (place > 0 && place % rewrapsPerTurn === 0) await nextTurn();
    const from = place * wrappedKeyBytes;
    const to = given.length * wrappedKeyBytes;
    const old = sealed.subarray(from, from + wrappedKeyBytes);
    const young = wrapped.subarray(to, to + wrappedKeyBytes);
    const code = mayRewrap(role, key.compartment) ? rewrapOne(key, old, young) : "not-yours";
    if (code === null) given.push(key);
    else refused.push({ place, key, code });
  }
  return { wrapped: wrapped.subarray(0, given.length * wrappedKeyBytes), given, refused };
}
