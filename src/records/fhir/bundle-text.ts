import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** A Bundle cut up: the texts of its entries, and all of it but them. */
export interface CutBundle {
  /** The Bundle's text with an empty list of entries, or as it is when it has none. */
  readonly header: string;
  readonly entries: readonly string[];
}

/** How many marks are walked over before others may get their turn. */
const marksATurn = 4_096;

const marks = /["{}[\],]/g;
const broken = refuse("json-broken");

/** The place after the string that opens at `open`; -1 when it has no end. */
function afterString(text: string, open: number): number {
  let end = text.indexOf('"', open + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

interface Walk {
  readonly text: string;
  depth: number;
  /** Where the list of entries opens; -1 before it was met. */
  open: number;
  /** Where the entry that is being walked over begins. */
  from: number;
  readonly entries: string[];
}

const colonAndList = /\s*:\s*\[/y;

/** Whether the key that ends at `end` is that of a list; then the list begins. */
function opensList(walk: Walk, start: number, end: number): boolean {
  if (walk.open !== -1 || walk.depth !== 1 || walk.text.slice(start, end) !== '"entry"')
    return false;
  colonAndList.lastIndex = end;
  if (!colonAndList.test(walk.text)) return false;
  walk.open = colonAndList.lastIndex - 1;
  walk.from = walk.open + 1;
  walk.depth = 2;
  marks.lastIndex = walk.from;
  return true;
}

/** Takes the entry before a comma or the list's end; false when there is none between two commas. */
function takeEntry(walk: Walk, end: number, isLast: boolean): boolean {
  const entry = walk.text.slice(walk.from, end).trim();
  walk.from = end + 1;
  if (entry !== "") walk.entries.push(entry);
  return entry !== "" || (isLast && walk.entries.length === 0);
}

/**
 * Cuts the text of a Bundle up, letting others in between (each yield is a good moment). Only the
 * marks that structure JSON are looked at: header and entries must each still be scanned as JSON,
 * and are the whole text then. Fails as "json-broken" where that could not be told from them.
 */
export function* cutBundle(text: string): Generator<undefined, Result<CutBundle>> {
  const walk: Walk = { text, depth: 0, open: -1, from: 0, entries: [] };
  let seen = 0;
  marks.lastIndex = 0;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const [mark] = found;
    const { index } = found;
    const next = marks.lastIndex;
    seen += 1;
    if (seen % marksATurn === 0) {
      yield;
      // Others may have walked meanwhile.
      marks.lastIndex = next;
    }
    if (mark === '"') {
      const end = afterString(text, index);
      if (end === -1) return broken;
      marks.lastIndex = end;
      opensList(walk, index, end);
    } else if (mark === "{" || mark === "[") walk.depth += 1;
    else if (mark === ",") {
      if (walk.open !== -1 && walk.depth === 2 && !takeEntry(walk, index, false)) return broken;
    } else {
      walk.depth -= 1;
      if (walk.open === -1 || walk.depth !== 1 || mark !== "]") continue;
      if (!takeEntry(walk, index, true)) return broken;
      return ok({
        header: text.slice(0, walk.open + 1) + text.slice(index),
        entries: walk.entries,
      });
    }
  }
  return walk.open === -1 ? ok({ header: text, entries: [] }) : broken;
}
