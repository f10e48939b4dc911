import { scanJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { r4Alone, type Conformance } from "#records/fhir/conformance.ts";
import { parseResource, type ParsedResource } from "#records/fhir/parse.ts";

/** Where a resource came from, for whoever must mend it. */
export interface Source {
  readonly file: string;
  readonly entry: number;
}

export type ImportLine =
  | { readonly ok: true; readonly source: Source; readonly parsed: ParsedResource }
  | { readonly ok: false; readonly source: Source; readonly problem: Problem };

/** What became of one line. */
export type LineOutcome =
  | { readonly kind: "created" | "updated" | "unchanged" }
  | { readonly kind: "refused"; readonly problem: Problem };

// The order in which our own client writes the three keys; any other order goes the slower way.
const usualHead = /^\{"file":("(?:[^"\\]|\\.){0,4096}"),"entry":([0-9]{1,9}),"resource":/;

interface Envelope {
  readonly source: Source;
  /** JSON of the resource, every character as it was sent. */
  readonly text: string;
}

const unknownSource: Source = { file: "", entry: 0 };

function usualEnvelope(line: string): Envelope | null {
  const head = usualHead.exec(line);
  if (head === null || !line.endsWith("}")) return null;
  try {
    const file = String(JSON.parse(head[1] ?? ""));
    // Whether what is left is one whole JSON value is found out when the resource is parsed.
    return { source: { file, entry: Number(head[2]) }, text: line.slice(head[0].length, -1) };
  } catch {
    return null;
  }
}

function anyEnvelope(line: string): Result<Envelope> {
  const scanned = scanJson(line, limits.jsonDepth + 1);
  if (!scanned.ok) return scanned;
  const part = (name: string): string | null => {
    const span = scanned.value.topLevel.get(name);
    return span === undefined ? null : line.slice(span.start, span.end);
  };
  const file: unknown = JSON.parse(part("file") ?? "null");
  const entry: unknown = JSON.parse(part("entry") ?? "null");
  const text = part("resource");
  if (typeof file !== "string" || typeof entry !== "number" || text === null)
    return refuse("parameter-invalid", { detail: "A line has file, entry and resource." });
  return ok({ source: { file, entry }, text });
}

/** Reads one line of an import: `{"file":…,"entry":…,"resource":{…}}`, whose resource must have an id. */
export function parseImportLine(line: string, conformance: Conformance = r4Alone): ImportLine {
  const usual = usualEnvelope(line);
  const envelope = usual === null ? anyEnvelope(line) : ok(usual);
  if (!envelope.ok) return { ok: false, source: unknownSource, problem: envelope.problem };
  const { source, text } = envelope.value;
  const parsed = parseResource(text, { conformance });
  if (!parsed.ok) return { ok: false, source, problem: parsed.problem };
  if (parsed.value.id === null) {
    const at = `${parsed.value.type}.id`;
    return { ok: false, source, problem: { code: "resource-invalid", at, detail: "is required" } };
  }
  return { ok: true, source, parsed: parsed.value };
}

/** The line that tells the client what became of its line. */
export function outcomeLine({ file, entry }: Source, outcome: LineOutcome): string {
  if (outcome.kind !== "refused") return JSON.stringify({ file, entry, outcome: outcome.kind });
  const { code, detail, at } = outcome.problem;
  return JSON.stringify({ file, entry, outcome: "refused", code, detail, at });
}
