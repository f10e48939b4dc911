import type { ImportAnswer, Send } from "#cli/import/courier.ts";
import { importLimits } from "#cli/import/limits.ts";
import { invariant, ok } from "#core/result.ts";

/** A records service in memory, for tests of the client: answers each line as the true one would. */
export interface FakeRecords {
  readonly send: Send;
  /** Text of each resource, by `Type/id`. */
  readonly stored: ReadonlyMap<string, string>;
  readonly batches: number;
  readonly mostInFlight: number;
  readonly mostLines: number;
  readonly mostBytes: number;
}

interface FakeLine {
  readonly file: string;
  readonly entry: number;
  readonly resource: { readonly resourceType: string; readonly id: string };
}

function isLine(value: unknown): value is FakeLine {
  if (typeof value !== "object" || value === null || !("resource" in value)) return false;
  const { resource } = value;
  return typeof resource === "object" && resource !== null && "id" in resource;
}

const head = /^\{"file":"(?:[^"\\]|\\.)*","entry":\d+,"resource":/;
const ownPatient =
  /"(?:subject|patient|beneficiary)":\s*\{\s*"reference":\s*"(Patient\/[A-Za-z0-9.-]+)"/;

export function fakeRecords(
  options: { readonly delayMs?: (batch: number) => number } = {},
): FakeRecords {
  const stored = new Map<string, string>();
  const seen = { batches: 0, mostInFlight: 0, mostLines: 0, mostBytes: 0 };
  let inFlight = 0;
  const answer = (text: string): ImportAnswer => {
    const line: unknown = JSON.parse(text);
    invariant(isLine(line), "the client sent a line of another form");
    const { file, entry, resource } = line;
    const opening = head.exec(text)?.[0];
    invariant(opening !== undefined, "the keys of a line stand in another order");
    const body = text.slice(opening.length, -1);
    const patient = ownPatient.exec(body)?.[1];
    if (patient !== undefined && !stored.has(patient)) {
      return { file, entry, outcome: "refused", code: "reference-missing", detail: patient };
    }
    const name = `${resource.resourceType}/${resource.id}`;
    const before = stored.get(name);
    stored.set(name, body);
    if (before === undefined) return { file, entry, outcome: "created" };
    return { file, entry, outcome: before === body ? "unchanged" : "updated" };
  };
  return {
    send: async (batch) => {
      inFlight += 1;
      seen.batches += 1;
      seen.mostInFlight = Math.max(seen.mostInFlight, inFlight);
      seen.mostBytes = Math.max(seen.mostBytes, Buffer.byteLength(batch));
      const lines = batch.split("\n");
      seen.mostLines = Math.max(seen.mostLines, lines.length);
      invariant(lines.length <= importLimits.batchLines, "a batch has too many lines");
      await new Promise((resolve) => {
        setTimeout(resolve, options.delayMs?.(seen.batches) ?? 0);
      });
      inFlight -= 1;
      return ok(lines.map(answer));
    },
    stored,
    get batches() {
      return seen.batches;
    },
    get mostInFlight() {
      return seen.mostInFlight;
    },
    get mostLines() {
      return seen.mostLines;
    },
    get mostBytes() {
      return seen.mostBytes;
    },
  };
}
