import { Worker } from "node:worker_threads";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { ReadableEntry } from "#records/readable/entry.ts";
import type { CopyHead } from "#records/readable/html.ts";

export const pdfLimits = {
  /** Resources of one PDF, and what they say: laying out takes time and memory for each. */
  resources: 10_000,
  facts: 40_000,
  bytes: 64 * 1024 * 1024,
  /** Less than the gateway waits for the head of an answer. */
  layoutMs: 25_000,
  memoryMiB: 512,
} as const;

export interface PdfJob {
  readonly head: CopyHead;
  readonly entries: readonly ReadableEntry[];
}

const tooLarge = "The record is too large for a PDF; take the web page.";

/**
 * Lays out a PDF in a thread of its own, so that nobody else's request waits for it. Fails as
 * "too-costly" when it is too large, too slow or needs too much memory.
 */
export async function layOutPdf(job: PdfJob): Promise<Result<readonly Buffer[]>> {
  const facts = job.entries.reduce((sum, each) => sum + each.facts.length, 0);
  if (job.entries.length > pdfLimits.resources || facts > pdfLimits.facts)
    return refuse("too-costly", { detail: tooLarge });
  const thread = new Worker(new URL("./pdf-thread.ts", import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: pdfLimits.memoryMiB },
    // Nothing of the process's own environment is needed to lay out a page.
    env: {},
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  const done = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), pdfLimits.layoutMs);
    thread.on("message", (chunk: Uint8Array) => {
      bytes += chunk.length;
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      if (bytes > pdfLimits.bytes) resolve(false);
    });
    thread.once("error", () => resolve(false));
    thread.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0 && bytes > 0);
    });
  });
  await thread.terminate();
  return done ? ok(chunks) : refuse("too-costly", { detail: tooLarge });
}
