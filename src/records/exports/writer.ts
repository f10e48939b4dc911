import { toIso, type Instant } from "#core/clock.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import type { WalkedEntry } from "#records/everything/record-walk.ts";
import type { CopyForm } from "#records/exports/form.ts";
import { nameIn } from "#records/names.ts";
import { saidDate } from "#records/readable/dates.ts";
import { readableOf, type ReadableEntry } from "#records/readable/entry.ts";
import { htmlEntry, htmlHead, htmlTail, type CopyHead } from "#records/readable/html.ts";
import { layOutPdf, pdfLimits } from "#records/readable/pdf.ts";

/** Turns the entries of a record, the Patient first, into the bytes of a copy. */
export interface CopyWriter {
  add(entries: readonly WalkedEntry[]): readonly Buffer[];
  /** What comes last. Fails as "too-costly" when the form cannot hold so much. */
  end(): Promise<Result<readonly Buffer[]>>;
}

export interface CopyFacts {
  readonly publicOrigin: string;
  readonly made: Instant;
}

const notes = [
  "This copy says in words what your record holds. The FHIR copy holds all of it for other programs.",
  "Psychotherapy notes are kept apart by law and are not in this copy.",
  "Keep it in a safe place: whoever has this file can read it.",
] as const;

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

function headOf(entry: WalkedEntry | undefined, { made }: CopyFacts): CopyHead {
  const name = entry === undefined ? null : nameIn(entry.opened.value);
  return { name: name ?? "a patient", made: saidDate(toIso(made)) ?? "", notes };
}

/** A Bundle of type collection (R4 §2.36.4): every resource as it is stored. */
function bundleWriter({ publicOrigin, made }: CopyFacts): CopyWriter {
  let isFirst = true;
  const head = `{"resourceType":"Bundle","type":"collection","timestamp":"${toIso(made)}","entry":[`;
  return {
    add: (entries) =>
      entries.map(({ opened: { row, text } }) => {
        const fullUrl = JSON.stringify(`${publicOrigin}/fhir/${row.type}/${row.id}`);
        const before = isFirst ? head : ",\n";
        isFirst = false;
        return bytes(`${before}{"fullUrl":${fullUrl},"resource":${text}}`);
      }),
    end: async () => ok([bytes("]}\n")]),
  };
}

/** One resource a line, as FHIR Bulk Data writes them; a text with line breaks is set in one line. */
function linesWriter(): CopyWriter {
  return {
    // JSON has line breaks only between its tokens: within strings they are escaped.
    add: (entries) =>
      entries.map(({ opened: { text } }) => bytes(`${text.replaceAll(/[\r\n]+/g, " ")}\n`)),
    end: async () => ok([]),
  };
}

function pageWriter(facts: CopyFacts): CopyWriter {
  let section: string | null = null;
  return {
    add: (entries) =>
      entries.map((entry) => {
        const readable = readableOf(entry.opened.text);
        const before = section === null ? htmlHead(headOf(entry, facts)) : "";
        const isFirst = readable.section !== section;
        section = readable.section;
        return bytes(before + htmlEntry(readable, isFirst));
      }),
    end: async () => ok([bytes(htmlTail)]),
  };
}

function pdfWriter(facts: CopyFacts): CopyWriter {
  let head: CopyHead | null = null;
  const gathered: ReadableEntry[] = [];
  return {
    add: (entries) => {
      head ??= headOf(entries[0], facts);
      // One more than fits is enough to be refused; the rest need not lie in memory.
      if (gathered.length <= pdfLimits.resources)
        for (const { opened } of entries) gathered.push(readableOf(opened.text));
      return [];
    },
    end: () => layOutPdf({ head: head ?? headOf(undefined, facts), entries: gathered }),
  };
}

export function createWriter(form: CopyForm, facts: CopyFacts): CopyWriter {
  switch (form) {
    case "fhir":
      return bundleWriter(facts);
    case "ndjson":
      return linesWriter();
    case "web-page":
      return pageWriter(facts);
    case "pdf":
      return pdfWriter(facts);
    default:
      return unreachable(form);
  }
}
