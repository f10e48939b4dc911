import type { Entry, Place } from "#cli/import/entry.ts";
import { importLimits } from "#cli/import/limits.ts";
import type { SourceFile } from "#cli/import/sources.ts";
import { meaningOf, problem, type Problem, type ProblemCode } from "#core/problem.ts";
import type { Result } from "#core/result.ts";

/** What the server says of one line. */
export interface ImportAnswer {
  readonly file: string;
  readonly entry: number;
  readonly outcome: "created" | "updated" | "unchanged" | "refused";
  readonly code?: ProblemCode;
  readonly detail?: string;
  readonly at?: string;
}

/** Sends one batch of NDJSON; an answer for each line, in order, once they are durable. */
export type Send = (batch: string) => Promise<Result<readonly ImportAnswer[]>>;

export interface CourierDeps {
  readonly send: Send;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told once for each line, with the very object that was put. */
  readonly answered: (parcel: Parcel, answer: ImportAnswer) => void;
}

/** What is remembered of a line until it is answered; its text is not. */
export interface Parcel {
  readonly place: Place;
  readonly source: SourceFile;
  /** Bytes of all files read up to here, for showing how far the work is. */
  readonly bytesRead: number;
}

/** Gathers lines into batches and keeps two of them on their way. */
export interface Courier {
  /** Resolves when there is room for the next; false once sending has failed for good. */
  put(parcel: Parcel, entry: Entry): Promise<boolean>;
  /** Sends what is left and waits for every answer. Null, or why sending failed. */
  settle(): Promise<Problem | null>;
  /** Nothing more is sent; what is on its way is still answered. */
  stop(): void;
}

interface Batch {
  readonly parcels: Parcel[];
  readonly lines: string[];
  bytes: number;
  /** Patients whose Patient resource is in it, and patients to whom its lines belong. */
  readonly brings: Set<string>;
  readonly needs: Set<string>;
}

function emptyBatch(): Batch {
  return { parcels: [], lines: [], bytes: 0, brings: new Set(), needs: new Set() };
}

// The first reference to a patient is nearly always the subject's; missing one costs a second try.
const patientReference = /"Patient\/([A-Za-z0-9.-]{1,64})"/;

export function createCourier(deps: CourierDeps): Courier {
  let batch = emptyBatch();
  const onTheWay = new Map<Batch, Promise<void>>();
  let failure: Problem | null = null;
  let stopped = false;

  const dispatch = async (): Promise<void> => {
    const full = batch;
    batch = emptyBatch();
    if (full.parcels.length === 0) return;
    while (mustWait(full, [...onTheWay.keys()])) await Promise.race(onTheWay.values());
    if (stopped || failure !== null) return;
    onTheWay.set(
      full,
      deliver(full).finally(() => onTheWay.delete(full)),
    );
  };
  const deliver = async (full: Batch): Promise<void> => {
    const body = full.lines.join("\n");
    full.lines.length = 0;
    const answers = await sendPatiently(deps, body);
    if (!answers.ok) {
      failure ??= answers.problem;
      return;
    }
    const mismatch = handOut(full, answers.value, deps.answered);
    failure ??= mismatch;
  };
  return {
    put: async (parcel, entry) => {
      const line = lineOf(parcel, entry);
      const bytes = Buffer.byteLength(line) + 1;
      if (isFull(batch, bytes, entry)) await dispatch();
      batch.parcels.push(parcel);
      batch.lines.push(line);
      batch.bytes += bytes;
      noteOrder(batch, entry);
      return !stopped && failure === null;
    },
    settle: async () => {
      await dispatch();
      while (onTheWay.size > 0) await Promise.race(onTheWay.values());
      return failure;
    },
    stop: () => {
      stopped = true;
    },
  };
}

/** The keys in the order in which the server reads them fastest. */
function lineOf({ place }: Parcel, entry: Entry): string {
  return `{"file":${JSON.stringify(place.file)},"entry":${place.entry},"resource":${entry.text}}`;
}

function isFull(batch: Batch, bytes: number, { type }: Entry): boolean {
  const lines = batch.parcels.length;
  return (
    lines >= importLimits.batchLines ||
    (lines > 0 && batch.bytes + bytes > importLimits.batchBytes) ||
    (lines >= importLimits.batchLinesBeforePatient && type === "Patient")
  );
}

function noteOrder(batch: Batch, { type, id, text }: Entry): void {
  if (type === "Patient") batch.brings.add(id);
  const needed = patientReference.exec(text)?.[1];
  // A slice would keep its line in memory.
  if (needed !== undefined) batch.needs.add(Buffer.from(needed).toString());
}

/** A line whose patient is still on the way would be refused, so its batch waits. */
function mustWait(batch: Batch, others: readonly Batch[]): boolean {
  if (others.length >= importLimits.batchesInFlight) return true;
  return others.some(({ brings }) => [...brings].some((id) => batch.needs.has(id)));
}

/** Importing again changes nothing, so a batch may be sent again whatever became of it. */
async function sendPatiently({ send, sleep }: CourierDeps, body: string): ReturnType<Send> {
  for (const waitMs of importLimits.retryAfterMs) {
    const answers = await send(body);
    if (answers.ok || !isPassing(answers.problem.code)) return answers;
    await sleep(waitMs);
  }
  return send(body);
}

function isPassing(code: ProblemCode): boolean {
  const { issue } = meaningOf(code);
  return issue === "transient" || issue === "throttled";
}

function handOut(
  batch: Batch,
  answers: readonly ImportAnswer[],
  answered: CourierDeps["answered"],
): Problem | null {
  if (answers.length !== batch.parcels.length) return outOfStep;
  for (const [at, parcel] of batch.parcels.entries()) {
    const answer = answers[at];
    if (answer?.entry !== parcel.place.entry || answer.file !== parcel.place.file) return outOfStep;
    answered(parcel, answer);
  }
  return null;
}

const outOfStep = problem("unexpected", {
  detail: "The server's answers do not fit the lines sent.",
});
