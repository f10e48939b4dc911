import type { Instant } from "#core/clock.ts";
import type { Pseudonym, ResourceId } from "#core/ids.ts";
import type { Problem } from "#core/problem.ts";
import type { Refusal } from "#records/door.ts";
import { refused } from "#records/door.ts";
import { isOfCareTime } from "#records/fhir/care-dates.ts";
import type { Bounds } from "#records/fhir/dates.ts";
import { mentionsIn } from "#records/fhir/mentions.ts";
import type { Kinds } from "#records/kinds.ts";
import { readListed, type Listed } from "#records/everything/listing-store.ts";
import { pieceLimits, piecesOf } from "#records/everything/pieces.ts";
import { openRows, type OpenedRow } from "#records/opening.ts";
import { decideOpened, refuseUnopened, union, type ReadDeps } from "#records/read.ts";
import type { StoredRow } from "#records/store.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { Queryable } from "#storage/database.ts";
import type { Compartment } from "#vault/vault.ts";

export const walkLimits = {
  /** Practitioners, places and other things of the organisation that one record may name. */
  mentions: 20_000,
} as const;

export interface WalkDeps extends ReadDeps {
  readonly db: Queryable;
}

/** One whole record, or the part of it that was listed. */
export interface WalkAsked {
  readonly patient: ResourceId;
  readonly compartment: Pseudonym;
  readonly inCareTeam: boolean;
  readonly listed: readonly Listed[];
  /** Null for all types, for what the record names, too. */
  readonly types: readonly string[] | null;
  readonly since: Instant | null;
  /** Dates of care; null for all. */
  readonly care: Bounds | null;
}

export interface WalkedEntry {
  readonly opened: OpenedRow;
  /** "include": not of the record, but named in it. */
  readonly mode: "match" | "include";
}

export interface Step {
  readonly kind: "step";
  readonly entries: readonly WalkedEntry[];
  readonly touches: readonly Touch[];
}

interface Permitted {
  readonly opened: OpenedRow;
  readonly kinds: Kinds;
  readonly policies: readonly string[];
}

function permittedOf(
  visit: Visit,
  opened: readonly OpenedRow[],
  { kindsOf, inCareTeam }: Pick<WalkDeps, "kindsOf"> & Pick<WalkAsked, "inCareTeam">,
): readonly Permitted[] {
  return opened.flatMap((each) => {
    const { type, compartment } = each.row;
    const kinds = kindsOf(each);
    const action = compartment === "organisation" ? "read" : "export";
    const question = { action, type, compartment, inCareTeam } as const;
    const { permitted, policies } = decideOpened(visit, question, [kinds]);
    return permitted ? [{ opened: each, kinds, policies }] : [];
  });
}

function touchOf(shown: readonly Permitted[], { patient, compartment }: WalkAsked): Touch[] {
  const parts = Map.groupBy(shown, ({ opened }) => opened.row.compartment);
  return [...parts].map(([whose, rows]) => {
    const versions = new Set(rows.map(({ opened }) => opened.row.dekVersion));
    const [dekVersion = null] = versions;
    const about = whose === compartment ? { type: "Patient", id: patient } : {};
    return touch({
      ...about,
      action: "export",
      compartment: whose,
      categories: union(rows.map(({ kinds }) => kinds.categories)),
      count: rows.length,
      dekVersion: versions.size === 1 ? dekVersion : null,
      policies: [...new Set(rows.flatMap(({ policies }) => policies))].sort(),
    });
  });
}

const nameOf = ({ type, id }: Listed): string => `${type}/${id}`;

/** What was named in the record and is neither part of it nor given yet. */
class Mentions {
  readonly #known: Set<string>;
  #waiting: Listed[] = [];
  #left: number = walkLimits.mentions;

  constructor(listed: readonly Listed[]) {
    this.#known = new Set(listed.map(nameOf));
  }

  note(opened: readonly OpenedRow[], types: readonly string[] | null): void {
    for (const { text } of opened)
      for (const named of mentionsIn(text)) {
        const isWanted = types === null || types.includes(named.type);
        if (!isWanted || this.#left === 0 || this.#known.has(nameOf(named))) continue;
        this.#left -= 1;
        this.#known.add(nameOf(named));
        this.#waiting.push(named);
      }
  }

  take(): readonly Listed[] {
    const [taken, rest] = [
      this.#waiting.slice(0, pieceLimits.resources),
      this.#waiting.slice(pieceLimits.resources),
    ];
    this.#waiting = rest;
    return taken;
  }
}

type Fits = (row: StoredRow) => boolean;

interface Part {
  readonly listed: readonly Listed[];
  readonly fits: Fits;
  readonly mode: WalkedEntry["mode"];
}

interface Reading {
  readonly entries: readonly Permitted[];
}

/**
 * Walks over a record as it was listed and then over what it names of the organisation, a step at a
 * time: each opened, put to policy by its own labels, and counted for the log. What policy withholds
 * is left out; a row that does not open ends the walk with a refusal.
 */
export async function* walkRecord(
  deps: WalkDeps,
  visit: Visit,
  asked: WalkAsked,
): AsyncGenerator<Step | Refusal, void> {
  const { compartment, types, since, care } = asked;
  const about = touch({ action: "export", compartment, type: "Patient", id: asked.patient });
  const stop = (found: Problem): Refusal => refused(found, about);
  const read = async (listed: readonly Listed[], fits: Fits): Promise<Reading | Refusal> => {
    const rows = await readListed(deps.db, listed);
    if (!rows.ok) return stop(rows.problem);
    const opened = await openRows(rows.value.filter(fits), deps, visit);
    if (!opened.ok) return refuseUnopened(opened, about);
    return { entries: permittedOf(visit, opened.value, { ...deps, ...asked }) };
  };
  const stepOf = (entries: readonly Permitted[], mode: WalkedEntry["mode"]): Step => ({
    kind: "step",
    entries: entries.map(({ opened }) => ({ opened, mode })),
    touches: touchOf(entries, asked),
  });

  const charts = new Set<Compartment>([
    compartment,
    ...deps.samePerson.othersOf(compartment).map((each) => each.compartment),
  ]);
  const mentions = new Mentions(asked.listed);
  const isCared = ({ opened: { value } }: Permitted): boolean =>
    care === null || (value !== null && isOfCareTime(value, care));
  const isOfRecord: Fits = (row) => charts.has(row.compartment);
  const isNamed: Fits = (row) =>
    row.compartment === "organisation" && (since === null || row.lastUpdated >= since);

  async function* stepsThrough({ listed, fits, mode }: Part): AsyncGenerator<Step | Refusal, void> {
    for await (const piece of piecesOf(deps.db, listed)) {
      const found = piece.ok ? await read(piece.value, fits) : stop(piece.problem);
      if ("kind" in found) {
        yield found;
        return;
      }
      const shown = mode === "match" ? found.entries.filter(isCared) : found.entries;
      mentions.note(
        shown.map(({ opened }) => opened),
        types,
      );
      yield stepOf(shown, mode);
    }
  }

  let part: Part = { listed: asked.listed, fits: isOfRecord, mode: "match" };
  while (part.listed.length > 0) {
    for await (const step of stepsThrough(part)) {
      yield step;
      if (step.kind === "refused") return;
    }
    part = { listed: mentions.take(), fits: isNamed, mode: "include" };
  }
}
