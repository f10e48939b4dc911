import { toIso } from "#core/clock.ts";
import type { ResourceId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { refused, type Chunk, type Refusal, type StreamedInteraction } from "#records/door.ts";
import { findCopy, pieceAt, type StoredCopy } from "#records/exports/export-store.ts";
import { fileNameOf, formFacts } from "#records/exports/form.ts";
import type { CopyDeps } from "#records/exports/make.ts";
import { openPiece, type PieceFacts } from "#records/exports/piece.ts";
import { refuseById } from "#records/read.ts";
import { touch, type Touch, type Verdict, type Visit } from "#records/visit.ts";

/** RFC 9110 §14.1.2: only "from here to the end" is understood; any other range is passed over (§14.2). */
export function resumedAt(range: string | undefined, bytes: number): number {
  const from = /^bytes=(\d{1,15})-$/.exec(range ?? "")?.[1];
  return from === undefined || Number(from) >= bytes ? 0 : Number(from);
}

interface Fetching {
  readonly copy: StoredCopy;
  readonly from: number;
  readonly inCareTeam: boolean;
}

/** The first kind of data in the piece that policy does not let out any more; null when all may go. */
function withheld(
  visit: Visit,
  { kinds }: PieceFacts,
  { copy, inCareTeam }: Fetching,
): Extract<Verdict, { permitted: false }> | null {
  const { compartment } = copy;
  for (const { type, labels } of kinds) {
    const question = { action: "export", type, labels, compartment, inCareTeam } as const;
    const verdict = visit.decide(question);
    if (!verdict.permitted) return verdict;
  }
  return null;
}

/** One for each whose data leaves; of a piece that counts nothing itself, one for the record. */
function touchesOf(
  { categories, counts }: PieceFacts,
  about: Touch,
  dekVersion: number,
): readonly Touch[] {
  const shown: Touch = { ...about, categories, dekVersion };
  if (counts.length === 0) return [shown];
  return counts.map(({ compartment, count }) =>
    compartment === about.compartment
      ? { ...shown, count }
      : { ...shown, compartment, type: null, count, dekVersion: null },
  );
}

/** The pieces from a byte on; policy is asked anew of each, as a consent may have changed. */
async function* piecesFrom(
  deps: CopyDeps,
  visit: Visit,
  fetching: Fetching,
  about: Touch,
): AsyncGenerator<Chunk, void> {
  const { copy } = fetching;
  const stop = (found: Problem): Refusal => refused(found, about);
  let at = fetching.from;
  while (at < copy.bytes) {
    const stored = await pieceAt(deps.db, copy.id, at);
    if (!stored.ok || stored.value === null) {
      yield stop(stored.ok ? problem("not-found") : stored.problem);
      return;
    }
    const { compartment, id } = copy;
    const piece = await openPiece({ ...stored.value, compartment, copy: id }, deps);
    if (!piece.ok) {
      yield stop(piece.problem);
      return;
    }
    const { facts, bytes } = piece.value;
    const denial = withheld(visit, facts, fetching);
    if (denial !== null) {
      yield refuseById(visit, denial.problem, { policies: denial.policies, touch: about });
      return;
    }
    const { startsAt, dekVersion } = stored.value;
    const touches = touchesOf(facts, about, dekVersion);
    yield { kind: "chunk", touches, piece: bytes.subarray(at - startsAt) };
    at = startsAt + bytes.length;
  }
}

function headersOf({ form, madeAt, bytes }: StoredCopy, from: number): Record<string, string> {
  const name = fileNameOf(form, toIso(madeAt).slice(0, 10));
  const part = from === 0 ? {} : { "content-range": `bytes ${from}-${bytes - 1}/${bytes}` };
  return {
    "content-type": formFacts[form].mediaType,
    "content-disposition": `attachment; filename="${name}"`,
    "content-length": String(bytes - from),
    "accept-ranges": "bytes",
    ...part,
  };
}

/**
 * `GET /api/records/exports/:id`: the copy's bytes, from the start or from where `Range` says; by the
 * account that had it made, as long as policy lets it have all that is in it.
 */
export function fetchCopy(
  deps: CopyDeps,
  { id, range }: { readonly id: ResourceId; readonly range: string | undefined },
): StreamedInteraction {
  return async (visit) => {
    const blank = touch({ action: "export", compartment: null, type: "Patient" });
    const found = await findCopy(deps.db, id, visit.at);
    if (!found.ok) return refused(found.problem, blank);
    const copy = found.value;
    if (copy === null) return refused(problem("not-found"), blank);
    const about = { ...blank, compartment: copy.compartment };
    if (copy.account !== visit.caller.live.account)
      return { ...refused(problem("not-found"), about), decision: "deny", reasons: ["forbidden"] };
    const inCareTeam = await deps.store.isInCareTeam(copy.compartment, visit.asker);
    if (!inCareTeam.ok) return refused(inCareTeam.problem, about);
    const from = resumedAt(range, copy.bytes);
    const fetching = { copy, from, inCareTeam: inCareTeam.value };
    const { compartment } = copy;
    const question = { action: "export", type: "Patient", labels: [], compartment } as const;
    const verdict = visit.decide({ ...question, inCareTeam: inCareTeam.value });
    if (!verdict.permitted)
      return refuseById(visit, verdict.problem, { policies: verdict.policies, touch: about });
    const chunks = piecesFrom(deps, visit, fetching, { ...about, policies: verdict.policies });
    const status = from === 0 ? 200 : 206;
    return { kind: "streamed", status, headers: headersOf(copy, from), chunks };
  };
}
