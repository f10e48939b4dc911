import { Worker } from "node:worker_threads";
import { failed, ok, type Result } from "#core/result.ts";
import { unavailable, within } from "#keys/kms/failures.ts";
import type { FromHsm, Job, OpenOrder, ToHsm } from "#keys/kms/pkcs11/messages.ts";
import { pack, unpack } from "#keys/kms/pkcs11/packed.ts";

export interface HsmLimits {
  /** Loading the module, logging in and finding or making the key. */
  readonly openMs: number;
  readonly answerMs: number;
  /** Jobs asked for and not answered. */
  readonly waiting: number;
  /** Jobs that go to the thread in one message. */
  readonly batch: number;
}

export const hsmLimits: HsmLimits = {
  openMs: 10_000,
  answerMs: 2_000,
  waiting: 10_000,
  batch: 256,
};

export interface HsmThread {
  open(order: Omit<OpenOrder, "order">): Promise<Result<null>>;
  work(job: Job): Promise<Result<Buffer>>;
  close(): Promise<void>;
}

const ownWorker = (): Worker => new Worker(new URL("./worker.ts", import.meta.url));

type Answer<T> = (result: Result<T>) => void;

/**
 * Asks the thread that talks to the HSM. While one answer is overdue nothing more is asked, so that
 * questions do not pile up before an HSM that hangs; the first answer that comes ends that.
 */
export function createHsmThread(limits = hsmLimits, start = ownWorker): HsmThread {
  const worker = start();
  // Whoever forgets to close it must still be able to end.
  worker.unref();
  const waiting = new Map<number, Answer<Buffer>>();
  let queued: (Job & { readonly id: number })[] = [];
  let lastId = 0;
  let isStuck = false;
  let onOpened: Answer<null> = () => {};
  let onClosed = (): void => {};
  let dead: string | null = null;

  const tell = (message: ToHsm, moved: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(message, moved);
  const die = (): void => {
    dead = "the thread that talks to the HSM has ended";
    for (const answer of waiting.values()) answer(unavailable(dead));
    waiting.clear();
    onOpened(unavailable(dead));
    onClosed();
  };
  worker.on("error", die);
  worker.on("exit", die);
  worker.on("message", (message: FromHsm) => {
    isStuck = false;
    switch (message.said) {
      case "opened":
        onOpened(message.result);
        break;
      case "done":
        handOut(waiting, message);
        break;
      case "closed":
        onClosed();
        break;
    }
  });
  const order = (jobs: typeof queued): void => {
    const parts = pack(jobs.flatMap(({ nonce, aad, data }) => [nonce, aad, data]));
    tell({ order: "work", ids: jobs.map(({ id }) => id), parts }, [parts.bytes.buffer]);
  };
  const flush = (): void => {
    const jobs = queued;
    queued = [];
    for (let from = 0; from < jobs.length; from += limits.batch)
      order(jobs.slice(from, from + limits.batch));
  };

  return {
    open: async (order) => {
      const opened = new Promise<Result<null>>((resolve) => {
        onOpened = resolve;
      });
      tell({ order: "open", ...order });
      const result = await within(limits.openMs, opened);
      return result ?? unavailable(`the HSM did not open within ${limits.openMs} ms`);
    },
    work: async (job) => {
      if (dead !== null) return unavailable(dead);
      if (isStuck) return unavailable("the HSM owes an answer and is asked nothing more till then");
      if (waiting.size >= limits.waiting)
        return unavailable("too much is asked of the HSM at once");
      lastId += 1;
      const id = lastId;
      const answered = new Promise<Result<Buffer>>((resolve) => {
        waiting.set(id, resolve);
      });
      if (queued.length === 0) setImmediate(flush);
      queued.push({ id, ...job });
      const result = await within(limits.answerMs, answered);
      if (result === null) {
        isStuck = true;
        waiting.delete(id);
        return unavailable(`the HSM did not answer within ${limits.answerMs} ms`);
      }
      return result;
    },
    close: async () => {
      if (dead === null) {
        const closed = new Promise<null>((resolve) => {
          onClosed = () => resolve(null);
        });
        tell({ order: "close" });
        await within(limits.answerMs, closed);
      }
      // A thread that C holds ends only when C lets go of it, so it is not waited for.
      await within(limits.answerMs, worker.terminate());
    },
  };
}

/** Each gets bytes of its own; the packed ones, which may be keys, are wiped. */
function handOut(
  waiting: Map<number, Answer<Buffer>>,
  { ids, problems, parts }: Extract<FromHsm, { said: "done" }>,
): void {
  const outputs = unpack(parts);
  for (const [i, id] of ids.entries()) {
    const answer = waiting.get(id);
    // Whoever asked has given up.
    if (answer === undefined) continue;
    waiting.delete(id);
    const problem = problems[i] ?? null;
    answer(problem === null ? ok(Buffer.from(outputs[i] ?? [])) : failed(problem));
  }
  parts.bytes.fill(0);
}
