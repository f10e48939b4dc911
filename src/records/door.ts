import type { IncomingMessage } from "node:http";
import type { Log, Submission } from "#audit/log.ts";
import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import { parseClientFacts, type ClientFacts } from "#core/client-facts.ts";
import type { Clock, Instant } from "#core/clock.ts";
import { refuse, type Problem, type ProblemCode } from "#core/problem.ts";
import { failed, invariant, ok, unreachable, type Result } from "#core/result.ts";
import type { Brake } from "#records/brake/brake.ts";
import type { AnonymousDenials } from "#records/anonymous-denials.ts";
import type { Arrival, Caller, Identify } from "#records/caller.ts";
import { barKiosk } from "#records/kiosk.ts";
import { BrokenOff, type Answer, type Pieces } from "#records/http.ts";
import { entryOf, touch, type BeginVisit, type Touch, type Visit } from "#records/visit.ts";
import type { RowOutcome, Work, WriteOutcome } from "#records/write-plan.ts";

/** An answer with what it shows of whom. */
export interface Shown {
  readonly touches: readonly Touch[];
  /** Parts of a batch that were refused, each to be logged as such. */
  readonly refusals?: readonly Refusal[];
  readonly answer: Answer;
}

export interface Refusal {
  readonly kind: "refused";
  /** What the caller is told. */
  readonly problem: Problem;
  readonly decision: "deny" | "error";
  /** What the log is told, where it is more than the caller may learn. */
  readonly reasons?: readonly string[];
  readonly signal?: string;
  readonly touch: Touch;
}

/**
 * What an interaction came to. It holds PHI only in `answer`, and the door lets no answer out
 * before its touches are durable in the log.
 */
export type Outcome =
  | ({ readonly kind: "shown" } & Shown)
  | {
      readonly kind: "written";
      readonly work: Work;
      /** Called when the rows are written; pure, as it may be called again. */
      readonly settle: (rows: readonly RowOutcome[]) => Shown;
      /**
       * Reads, when the rows are durable, what they left to be read, and makes the answer with it: that
       * is told to the log by itself, before the answer leaves.
       */
      readonly after?: (rows: readonly RowOutcome[]) => Promise<Shown>;
      /** What the log is told when the rows could not be written. */
      readonly attempted: Touch;
      /** Tells the caller which part of the request the refused row was; the problem as it is by default. */
      readonly explain?: (problem: Problem, row: number) => Problem;
    }
  | Refusal;

export type Interaction = (visit: Visit) => Promise<Outcome>;

/** One piece of a long answer, with what it shows of whom; a refusal ends the answer there. */
export type Chunk =
  | {
      readonly kind: "chunk";
      readonly touches: readonly Touch[];
      readonly piece: string | Buffer;
    }
  | Refusal;

/**
 * An answer in pieces, none of which leaves before its own touches are durable. The first piece is
 * fetched before the answer begins, so that what fails until then is a problem as any other.
 */
export interface Streamed {
  readonly kind: "streamed";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Gives one at least; is told by `return` when nobody wants the rest. */
  readonly chunks: AsyncGenerator<Chunk, void>;
}

export type StreamedInteraction = (visit: Visit) => Promise<Outcome | Streamed>;

export interface Door {
  /**
   * Lets one request through to PHI, or not: facts from the gateway, token and proof, live
   * session, then the interaction (policy, fetch, open), then the log, then the answer. `intent`
   * is what is logged when the caller gets no further than the doorstep.
   */
  pass(
    request: IncomingMessage,
    at: { readonly path: string; readonly intent: Touch },
    interaction: StreamedInteraction,
  ): Promise<Result<Answer>>;
}

export interface DoorDeps {
  readonly clock: Clock;
  readonly log: Pick<Log<Work, WriteOutcome>, "submit">;
  readonly identify: Identify;
  readonly begin: BeginVisit;
  readonly denials: Pick<AnonymousDenials, "note">;
  /** Keeps back what shows too much. */
  readonly brake: Pick<Brake, "hold">;
  /** Whether the caller's session lives still: asked before each further piece of a long answer. */
  readonly stillLive: (caller: Caller) => Promise<Result<unknown>>;
}

const deniedBy: ReadonlySet<ProblemCode> = new Set(["forbidden", "sign-in-insufficient"]);

/** Whether policy said no, be it for now; all else is a failure. */
export const isDenial = ({ code }: Problem): boolean => deniedBy.has(code);

export function refused(problem: Problem, touch: Touch): Refusal {
  const decision = isDenial(problem) ? "deny" : "error";
  return { kind: "refused", problem, decision, touch };
}

type SubmissionOf = Submission<Work, WriteOutcome>;

function refusalEntry(visit: Visit, refusal: Refusal): AuditEntry {
  const { problem, decision, reasons = [problem.code], signal = null, touch } = refusal;
  return entryOf(visit, touch, { decision, signal, reasons });
}

function entriesOf(
  visit: Visit,
  { touches, refusals = [] }: Pick<Shown, "touches" | "refusals">,
): AuditEntry[] {
  const shown = touches.map((each) => entryOf(visit, each, { decision: "permit" }));
  return [...shown, ...refusals.map((each) => refusalEntry(visit, each))];
}

/** The one use of the request's proof; nothing for a token that is bound to no key. */
const usedProof = ({ proof }: Pick<Caller, "proof">): Pick<SubmissionOf, "proof"> =>
  proof === null ? {} : { proof };

function submissionOf(visit: Visit, outcome: Outcome): SubmissionOf {
  const proof = usedProof(visit.caller);
  switch (outcome.kind) {
    case "shown": {
      const entries = entriesOf(visit, outcome);
      return { entries: () => entries, ...proof };
    }
    case "written": {
      const { work, settle, attempted } = outcome;
      const entries = (written: WriteOutcome | null): readonly AuditEntry[] => {
        if (written?.ok === true) return entriesOf(visit, settle(written.value));
        const code = written === null ? "unexpected" : written.problem.code;
        return [entryOf(visit, attempted, { decision: "error", reasons: [code] })];
      };
      const rows = "rows" in work ? work.rows.length : 0;
      return { work, rows, entries, ...proof };
    }
    case "refused": {
      const entry = refusalEntry(visit, outcome);
      return { entries: () => [entry], ...proof };
    }
    default:
      return unreachable(outcome);
  }
}

function answerOf(outcome: Outcome, written: WriteOutcome | null): Result<Answer> {
  switch (outcome.kind) {
    case "shown":
      return ok(outcome.answer);
    case "written":
      if (written === null) return refuse("unexpected");
      if (written.ok) return ok(outcome.settle(written.value).answer);
      return failed(outcome.explain?.(written.problem, written.row) ?? written.problem);
    case "refused":
      return failed(outcome.problem);
    default:
      return unreachable(outcome);
  }
}

function denialEntry(
  { problem, claims }: Extract<Arrival, { ok: false }>,
  { facts, intent, time }: { facts: ClientFacts; intent: Touch; time: Instant },
): AuditEntry {
  return auditEntry({
    time,
    action: intent.action,
    decision: "deny",
    reasons: problem.at === undefined ? [problem.code] : [problem.code, problem.at],
    actor: claims?.account ?? null,
    session: claims?.session ?? null,
    device: claims?.device ?? null,
    client: claims?.client ?? null,
    ...facts,
    resourceType: intent.type,
    resourceId: intent.id,
  });
}

type LettingOut = Pick<DoorDeps, "log" | "brake" | "stillLive">;

const entriesOfChunk = (visit: Visit, chunk: Chunk): readonly AuditEntry[] =>
  chunk.kind === "refused" ? [refusalEntry(visit, chunk)] : entriesOf(visit, chunk);

/** A session that ended in the middle of an answer is denied the rest. */
function cutOff(visit: Visit, chunk: Chunk, problem: Problem): readonly AuditEntry[] {
  const touched = chunk.kind === "refused" ? chunk.touch : chunk.touches[0];
  if (touched === undefined) return [];
  const refusal = refused(problem, { ...touched, count: 0 });
  return [refusalEntry(visit, { ...refusal, decision: "deny" })];
}

/** The refusal of what shows too much; null lets it go. */
async function heldBack(
  visit: Visit,
  { touches }: Pick<Shown, "touches">,
  brake: DoorDeps["brake"],
): Promise<Refusal | null> {
  const [first, more] = touches;
  if (first === undefined) return null;
  const braked = await brake.hold(visit.caller, touches);
  if (braked === null) return null;
  const { action, type, compartment } = first;
  const whose = more === undefined ? compartment : null;
  return { kind: "refused", ...braked, touch: touch({ action, type, compartment: whose }) };
}

/** Lets one more piece out when its entries are durable and the session lives; throws BrokenOff when not. */
async function letOut(
  visit: Visit,
  chunk: Chunk,
  { log, brake, stillLive }: LettingOut,
): Promise<string | Buffer> {
  const live = await stillLive(visit.caller);
  const held = live.ok && chunk.kind === "chunk" ? await heldBack(visit, chunk, brake) : null;
  const piece = held ?? chunk;
  const entries = live.ok ? entriesOfChunk(visit, piece) : cutOff(visit, chunk, live.problem);
  const logged = entries.length === 0 || (await log.submit({ entries: () => entries })).ok;
  if (!live.ok || !logged || piece.kind === "refused") throw new BrokenOff();
  return piece.piece;
}

async function* furtherPieces(
  visit: Visit,
  { first, chunks }: { readonly first: string | Buffer; readonly chunks: Streamed["chunks"] },
  deps: LettingOut,
): Pieces {
  try {
    yield first;
    for await (const chunk of chunks) yield await letOut(visit, chunk, deps);
  } finally {
    await chunks.return();
  }
}

/** The one way to PHI. Whatever fails on the way, from policy to log, ends in a problem and no PHI. */
export function createDoor(deps: DoorDeps): Door {
  const { clock, log, identify, begin, denials, brake } = deps;
  const turnAway = async (
    arrival: Extract<Arrival, { ok: false }>,
    facts: ClientFacts,
    intent: Touch,
  ): Promise<Result<Answer>> => {
    const { problem, claims, proof } = arrival;
    if (claims === null) {
      denials.note(intent.action, problem.code, facts);
      return failed(problem);
    }
    const entry = denialEntry(arrival, { facts, intent, time: clock.now() });
    const logged = await log.submit({ entries: () => [entry], ...usedProof({ proof }) });
    return logged.ok ? failed(problem) : logged;
  };

  const stream = async (visit: Visit, streamed: Streamed): Promise<Result<Answer>> => {
    const { status, headers, chunks } = streamed;
    const { value: made } = await chunks.next();
    invariant(made !== undefined, "a streamed answer has a first piece");
    const held = made.kind === "chunk" ? await heldBack(visit, made, brake) : null;
    const first = held ?? made;
    const isRefused = first.kind === "refused";
    const entries = entriesOfChunk(visit, first);
    const logged = await log.submit({ entries: () => entries, ...usedProof(visit.caller) });
    if (isRefused || !logged.ok) await chunks.return();
    if (!logged.ok) return logged;
    if (isRefused) return failed(first.problem);
    const rest = { first: first.piece, chunks };
    return ok({ status, headers, body: furtherPieces(visit, rest, deps) });
  };

  const settle = async (
    visit: Visit,
    outcome: Outcome,
    written: WriteOutcome | null,
  ): Promise<Result<Answer>> => {
    if (outcome.kind !== "written" || outcome.after === undefined || written?.ok !== true)
      return answerOf(outcome, written);
    const shown = await outcome.after(written.value);
    const held = await heldBack(visit, shown, brake);
    const entries = held === null ? entriesOf(visit, shown) : [refusalEntry(visit, held)];
    const logged = await log.submit({ entries: () => entries });
    if (!logged.ok) return logged;
    return held === null ? ok(shown.answer) : failed(held.problem);
  };

  return {
    pass: async (request, { path, intent }, interaction) => {
      const facts = parseClientFacts(request.headers);
      if (facts === null) {
        denials.note(intent.action, "forbidden", null);
        return refuse("forbidden", { detail: "The gateway's facts are missing." });
      }
      const arrival = await identify(request, path);
      if (!arrival.ok) return turnAway(arrival, facts, intent);
      const endings: (() => void)[] = [];
      const visit = begin(arrival.caller, facts, clock.now(), (done) => endings.push(done));
      try {
        const made = barKiosk(visit, { request, intent }) ?? (await interaction(visit));
        if (made.kind === "streamed") return await stream(visit, made);
        const held = made.kind === "shown" ? await heldBack(visit, made, brake) : null;
        const outcome = held ?? made;
        const logged = await log.submit(submissionOf(visit, outcome));
        return logged.ok ? await settle(visit, outcome, logged.value.outcome) : logged;
      } finally {
        for (const done of endings) done();
      }
    },
  };
}
