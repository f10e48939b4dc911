import type { Resource } from "@medplum/fhirtypes";
import type { PolicyAction } from "#core/policy-request.ts";
import type { Kinds, KindsOf } from "#records/kinds.ts";
import { openLiving, type OpenedRow, type Opening, type OpeningDeps } from "#records/opening.ts";
import type { Content } from "#records/scopes.ts";
import { fetchWhole, inPieces, isHere, isLeft, type LeftDeps } from "#records/left-rows.ts";
import { bytesOf, type LeftRow, type SearchedRow } from "#records/store-rows.ts";
import type { Verdict, Visit } from "#records/visit.ts";
import type { Compartment } from "#vault/vault.ts";

/** An opened row whose text may have been set aside again: then it is null, and `value` lacks long texts. */
export type SeenRow =
  | OpenedRow
  | (Omit<OpenedRow, "row" | "text"> & { readonly row: LeftRow; readonly text: null });

/** An opened resource that the caller may see, its sensitivity labels known. */
export interface Seen {
  readonly opened: SeenRow;
  readonly kinds: Kinds;
  readonly policies: readonly string[];
}

/** `shredded`: patients whose rows were left out, as their keys were destroyed. */
export type Seeing =
  | {
      readonly ok: true;
      readonly value: readonly Seen[];
      readonly shredded: ReadonlySet<Compartment>;
    }
  | Extract<Opening, { ok: false }>;

export interface SeeingDeps extends OpeningDeps, LeftDeps {
  readonly kindsOf: KindsOf;
}

/** How the caller stands to each compartment; null where it was not allowed, so that nothing of it is seen. */
export type CareOf = (compartment: Compartment) => boolean | null;

type Decide = (row: SearchedRow, labels: readonly string[], content: Content) => Verdict | null;

/** Within one request equal questions have equal answers, and a page of one record asks but a few. */
function decideOnce(visit: Visit, action: PolicyAction, careOf: CareOf): Decide {
  const known = new Map<string, Verdict>();
  return ({ type, compartment }, labels, content) => {
    const inCareTeam = careOf(compartment);
    if (inCareTeam === null) return null;
    const question = { action, type, compartment, inCareTeam, labels, content } as const;
    // Narrowed scopes make questions of one kind unequal.
    if (content !== "unopened" && visit.caller.scopes.isFiltered) return visit.decide(question);
    const name = `${compartment} ${type} ${labels.join(" ")}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const verdict = visit.decide(question);
    known.set(name, verdict);
    return verdict;
  };
}

export interface SeeingAsked {
  readonly visit: Visit;
  readonly action: "read" | "search";
  readonly careOf: CareOf;
  /** Asked of each before policy is asked about its labels, which costs more. */
  readonly matches?: (opened: OpenedRow) => boolean;
}

/**
 * Opens those of the rows that policy lets the caller see, asking before and, since sensitivity
 * shows only then, after. What may not be seen is left out without a word. Large ones are opened
 * some at a time, and their texts set aside. Fails as opening does.
 */
export async function see(
  rows: readonly SearchedRow[],
  deps: SeeingDeps,
  { visit, action, careOf, matches = () => true }: SeeingAsked,
): Promise<Seeing> {
  const decide = decideOnce(visit, action, careOf);
  const permitted = rows.filter((row) => decide(row, [], "unopened")?.permitted === true);
  const opened = await openLiving(permitted.filter(isHere), deps, visit);
  if (!opened.ok) return opened;
  const seen = seenAmong(opened.value, deps, { decide, matches });
  const left = permitted.filter(isLeft);
  if (left.length === 0) return { ok: true, value: seen, shredded: opened.shredded };
  const value = [...seen];
  const shredded = new Set(opened.shredded);
  for (const piece of inPieces(left)) {
    const fetched = await fetchWhole(piece, deps);
    if (!fetched.ok) return { ...fetched, row: null };
    const more = await openLiving(fetched.value, deps, visit);
    if (!more.ok) return more;
    value.push(...seenAmong(more.value, deps, { decide, matches }).map(setAside));
    for (const compartment of more.shredded) shredded.add(compartment);
  }
  return { ok: true, value, shredded };
}

/** Longer texts are no codes, dates or references, by which resources are sorted and followed. */
const keptCharacters = 1_024;

function withoutLongTexts(value: Resource): Resource {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === "string" && each.length > keptCharacters ? each.slice(0, keptCharacters) : each,
  );
  return JSON.parse(text) as Resource;
}

function setAside(seen: Seen): Seen {
  const { row, value, isHoney } = seen.opened;
  const left: LeftRow = { ...row, sealed: null, bytes: bytesOf(row) };
  const kept = value === null ? null : withoutLongTexts(value);
  return { ...seen, opened: { row: left, text: null, value: kept, isHoney } };
}

function seenAmong(
  opened: readonly OpenedRow[],
  { kindsOf }: Pick<SeeingDeps, "kindsOf">,
  { decide, matches }: { readonly decide: Decide; readonly matches: (each: OpenedRow) => boolean },
): readonly Seen[] {
  return opened.flatMap((each): Seen[] => {
    if (each.row.deleted || !matches(each)) return [];
    const kinds = kindsOf(each);
    const verdict = decide(each.row, kinds.labels, each.value === null ? [] : [each.value]);
    return verdict?.permitted === true ? [{ opened: each, kinds, policies: verdict.policies }] : [];
  });
}

/** As `see`, of what is no row and so needs no opening. */
export function seeDerived(
  opened: readonly OpenedRow[],
  deps: Pick<SeeingDeps, "kindsOf">,
  { visit, action, careOf, matches = () => true }: SeeingAsked,
): readonly Seen[] {
  return seenAmong(opened, deps, { decide: decideOnce(visit, action, careOf), matches });
}
