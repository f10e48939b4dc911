import type { Instant } from "#core/clock.ts";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isDenial, refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { historyBundle, versionTag, type StoredVersion } from "#records/fhir/bundle.ts";
import { fhirAnswer, type Answer } from "#records/http.ts";
import type { Kinds, KindsOf } from "#records/kinds.ts";
import { alreadyHeld, isHeld, type AlreadyHeld } from "#records/preference.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import { openRows, type OpenedRow, type Opening, type OpeningDeps } from "#records/opening.ts";
import type { FoundRows, RecordStore } from "#records/store.ts";
import { isWorkforce, touch, type Question, type Touch, type Visit } from "#records/visit.ts";

export interface ReadDeps extends OpeningDeps {
  readonly kindsOf: KindsOf;
  readonly store: RecordStore;
  readonly publicOrigin: string;
  /** Charts that somebody decided to be one person's. */
  readonly samePerson: Pick<SamePerson, "othersOf" | "survivorOf">;
}

/** Which resource, or which version of it, is asked for. */
export interface Wanted {
  readonly type: ResourceType;
  readonly id: ResourceId;
}

/**
 * The refusal of a resource asked for by its id. To a patient, the record of another and one that
 * never was look alike; the log tells them apart. Staff learn that it is there: without, a
 * colleague's patient would look like a lost record.
 */
export function refuseById(
  visit: Visit,
  found: Problem,
  about: { readonly touch: Touch; readonly policies: readonly string[] },
): Refusal {
  return {
    kind: "refused",
    problem:
      found.code === "forbidden" && !isWorkforce(visit.caller) ? problem("not-found") : found,
    decision: isDenial(found) ? "deny" : "error",
    reasons: [found.code, ...about.policies],
    touch: about.touch,
  };
}

/** A row that does not open may have been altered: an alarm that names it, not only an error. */
export function refuseUnopened(
  { problem: found, row }: Extract<Opening, { ok: false }>,
  asked: Touch,
): Refusal {
  const touched: Touch =
    row === null
      ? asked
      : { ...asked, compartment: row.compartment, id: row.id, version: row.version };
  const signal = found.code === "record-damaged" ? { signal: "record-damaged" } : {};
  return { kind: "refused", problem: found, decision: "error", touch: touched, ...signal };
}

/** Headers that name a version (FHIR R4 §3.1.0.1.3). */
export function versionHeaders(version: number, lastUpdated: Instant): Record<string, string> {
  return {
    etag: versionTag(version),
    "last-modified": new Date(lastUpdated).toUTCString(),
  };
}

/**
 * Asks again with the sensitivity labels that show only once a resource is open; with its `content`,
 * too, where all that would be shown stands in the question.
 */
export function decideOpened(
  visit: Visit,
  question: Omit<Question, "labels">,
  kinds: readonly Kinds[],
): ReturnType<Visit["decide"]> {
  return visit.decide({ ...question, labels: union(kinds.map(({ labels }) => labels)) });
}

/** Every text of the lists once, sorted. */
export function union(lists: readonly (readonly string[])[]): readonly string[] {
  const [only, more] = lists;
  if (only !== undefined && more === undefined) return only;
  return [...new Set(lists.flat())].sort();
}

interface Looked {
  readonly action: "read" | "vread" | "history";
  readonly wanted: Wanted;
  readonly find: (visit: Visit) => ReturnType<RecordStore["find"]>;
  readonly show: (opened: readonly OpenedRow[]) => Result<Answer>;
}

function touchOf(action: Looked["action"], { type, id }: Wanted, found: FoundRows | null): Touch {
  const compartment = found?.rows[0]?.compartment ?? null;
  return touch({ action, compartment, type, id });
}

/** What reading, vread and history share: find, ask, open, ask with labels, show. */
async function look(deps: ReadDeps, visit: Visit, looked: Looked): Promise<Outcome> {
  const { action, wanted } = looked;
  const found = await looked.find(visit);
  if (!found.ok) return refused(found.problem, touchOf(action, wanted, null));
  const about = touchOf(action, wanted, found.value);
  const { rows, inCareTeam } = found.value;
  const [first] = rows;
  if (first === undefined) return refused(problem("not-found"), about);
  const asked = action === "history" ? "history" : "read";
  const question = {
    action: asked,
    type: wanted.type,
    compartment: first.compartment,
    inCareTeam,
  } as const;
  const verdict = visit.decide({ ...question, labels: [], content: "unopened" });
  if (!verdict.permitted) return refuseById(visit, verdict.problem, { ...verdict, touch: about });
  const opened = await openRows(rows, deps, visit);
  if (!opened.ok) return refuseUnopened(opened, about);
  const kinds = opened.value.map(deps.kindsOf);
  const content = opened.value.flatMap(({ value }) => value ?? []);
  const labelled = decideOpened(visit, { ...question, content }, kinds);
  if (!labelled.permitted)
    return refuseById(visit, labelled.problem, { ...labelled, touch: about });
  const shown = looked.show(opened.value);
  if (!shown.ok) return refused(shown.problem, about);
  const touched: Touch = {
    ...about,
    version: first.version,
    dekVersion: first.dekVersion,
    categories: union(kinds.map(({ categories }) => categories)),
    count: shown.value.status === 304 ? 0 : rows.length,
    policies: labelled.policies,
  };
  return { kind: "shown", touches: [touched], answer: shown.value };
}

function oneResource([opened]: readonly OpenedRow[], held: AlreadyHeld): Result<Answer> {
  if (opened === undefined || opened.row.deleted) return refuse("gone");
  const { text, row } = opened;
  const { version, lastUpdated } = row;
  const headers = versionHeaders(version, lastUpdated);
  return ok(
    isHeld(held, version, lastUpdated)
      ? { status: 304, headers, body: null }
      : fhirAnswer(200, text, headers),
  );
}

const nothingHeld = alreadyHeld(undefined, undefined);

/** `GET /fhir/:type/:id`; 304 for who holds the newest version already, which is decided and logged like any reading. */
export function readResource(
  deps: ReadDeps,
  wanted: Wanted,
  held: AlreadyHeld = nothingHeld,
): Interaction {
  const find: Looked["find"] = ({ asker }) => deps.store.find(wanted.type, wanted.id, asker);
  const show: Looked["show"] = (opened) => oneResource(opened, held);
  return (visit) => look(deps, visit, { action: "read", wanted, find, show });
}

/** `GET /fhir/:type/:id/_history/:vid`. */
export function readVersion(deps: ReadDeps, wanted: Wanted, version: number): Interaction {
  const find: Looked["find"] = ({ asker }) => deps.store.version({ ...wanted, version }, asker);
  const show: Looked["show"] = (opened) => oneResource(opened, nothingHeld);
  return (visit) => look(deps, visit, { action: "vread", wanted, find, show });
}

const versionOf = ({ row, text }: OpenedRow): StoredVersion => ({
  ...row,
  text: row.deleted ? null : text,
});

/** `GET /fhir/:type/:id/_history`. */
export function readHistory(deps: ReadDeps, wanted: Wanted): Interaction {
  const find: Looked["find"] = ({ asker }) => deps.store.history(wanted.type, wanted.id, asker);
  const { publicOrigin } = deps;
  const self = `${publicOrigin}/fhir/${wanted.type}/${wanted.id}/_history`;
  const show: Looked["show"] = (opened) => {
    const versions = opened.map(versionOf);
    const page = { publicOrigin, links: { self }, total: versions.length, versions };
    return ok(fhirAnswer(200, historyBundle(page)));
  };
  return (visit) => look(deps, visit, { action: "history", wanted, find, show });
}
