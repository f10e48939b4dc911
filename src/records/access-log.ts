import type { EntryPage, FoundEntry, PatientEntries } from "#audit/queries.ts";
import type { AuditEntry } from "#core/audit-entry.ts";
import { toIso } from "#core/clock.ts";
import { parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { refuse, type Problem } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { AccessLogLine, AccessLogPage } from "#core/wire.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { jsonAnswer } from "#records/http.ts";
import { namesFor, type NameOf, type NamesDeps } from "#records/names.ts";
import type { RecordStore } from "#records/store.ts";
import { touch, type Visit } from "#records/visit.ts";
import type { Vault } from "#vault/vault.ts";

export const accessLogLimits = {
  /** Entries read for one page; those of one request make one line. */
  entriesPerPage: 200,
  cursorCharacters: 200,
} as const;

/** Entries about the charts of one person, newest first; a cursor that is none of its own is "parameter-invalid". */
export type EntriesOf = (asked: PatientEntries) => Promise<Result<EntryPage>>;

export interface AccessLogDeps extends NamesDeps {
  readonly store: RecordStore;
  readonly vault: Vault;
  readonly entriesOf: EntriesOf;
  readonly samePerson: Pick<SamePerson, "othersOf" | "survivorOf">;
}

/** Keys are fetched on behalf of a reading, which has an entry of its own: a patient reads of people. */
export const isAboutPeople = ({ entry }: FoundEntry): boolean =>
  entry.action !== "unwrap" && entry.action !== "key-create";

function isSameDeed(a: AuditEntry, b: AuditEntry): boolean {
  return (
    a.requestId !== null &&
    a.requestId === b.requestId &&
    a.action === b.action &&
    a.decision === b.decision
  );
}

function lineOf({ entry, place }: FoundEntry, nameOf: NameOf): AccessLogLine {
  const { time, role, action, decision, resourceType, categories, count, purpose } = entry;
  return {
    time: toIso(time),
    who: nameOf(entry),
    role,
    action,
    decision,
    resourceType,
    categories,
    count,
    purpose,
    origin: place.origin,
    index: place.index,
  };
}

/** The newest entry stands for all of its request, such as an import of hundreds of rows. */
function merged(line: AccessLogLine, { entry }: FoundEntry): AccessLogLine {
  const { resourceType, categories, count } = entry;
  return {
    ...line,
    resourceType: line.resourceType === resourceType ? resourceType : null,
    categories: [...new Set([...line.categories, ...categories])].sort(),
    count: line.count + count,
  };
}

/** Lines for entries newest first; neighbours of one request become one line. */
export function linesOf(entries: readonly FoundEntry[], nameOf: NameOf): readonly AccessLogLine[] {
  const lines: AccessLogLine[] = [];
  let newer: AuditEntry | null = null;
  for (const placed of entries) {
    const last = lines.at(-1);
    if (last !== undefined && newer !== null && isSameDeed(newer, placed.entry))
      lines[lines.length - 1] = merged(last, placed);
    else lines.push(lineOf(placed, nameOf));
    newer = placed.entry;
  }
  return lines;
}

interface Asked {
  readonly patient: ResourceId;
  readonly before: string | null;
}

function parseAsked(query: URLSearchParams): Result<Asked> {
  const patient = parseResourceId(query.get("patient") ?? "");
  if (patient === null)
    return refuse("parameter-invalid", { at: "patient", detail: "is the id of a Patient" });
  const before = query.get("before");
  return before !== null && before.length > accessLogLimits.cursorCharacters
    ? refuse("parameter-invalid", { at: "before" })
    : ok({ patient, before });
}

interface Shown {
  readonly page: AccessLogPage;
  /** How many lines of the page are of one chart. */
  readonly linesOn: (chart: Pseudonym) => number;
}

async function show(
  deps: AccessLogDeps,
  visit: Visit,
  { patients, before }: { readonly patients: readonly Pseudonym[]; readonly before: string | null },
): Promise<Result<Shown>> {
  const limit = accessLogLimits.entriesPerPage;
  const page = await deps.entriesOf({ patients, before, limit });
  if (!page.ok) return page;
  const entries = page.value.entries.filter(isAboutPeople);
  const nameOf = await namesFor(
    entries.map(({ entry }) => entry),
    visit.caller.live.account,
    deps,
  );
  if (!nameOf.ok) return nameOf;
  return ok({
    page: { readings: linesOf(entries, nameOf.value), next: page.value.next },
    linesOn: (chart) => {
      const on = entries.filter(({ entry }) => entry.patient === chart);
      return linesOf(on, nameOf.value).length;
    },
  });
}

/** `GET /api/records/access-log?patient=ID&before=CURSOR`: who has looked at any of her charts, this very reading included from the next time on. */
export function readAccessLog(deps: AccessLogDeps, query: URLSearchParams): Interaction {
  return async (visit): Promise<Outcome> => {
    const blank = touch({ action: "access-log", compartment: null, type: "AuditEvent" });
    const stop = (found: Problem, compartment: Pseudonym | null = null): Refusal =>
      refused(found, { ...blank, compartment });
    const asked = parseAsked(query);
    if (!asked.ok) return stop(asked.problem);
    const compartment = deps.vault.pseudonymOf(asked.value.patient);
    const inCareTeam = await deps.store.isInCareTeam(compartment, visit.asker);
    if (!inCareTeam.ok) return stop(inCareTeam.problem, compartment);
    const question = { action: "access-log", type: "AuditEvent", labels: [] } as const;
    const others = deps.samePerson.othersOf(compartment).map((chart) => chart.compartment);
    const [own, ...joined] = [compartment, ...others].map((chart) => ({
      chart,
      // Who stands in her care team does so by each of her charts.
      verdict: visit.decide({ ...question, compartment: chart, inCareTeam: inCareTeam.value }),
    }));
    invariant(own !== undefined, "who is asked for has a chart");
    if (!own.verdict.permitted) {
      const { problem, policies } = own.verdict;
      return { ...stop(problem, compartment), reasons: [problem.code, ...policies] };
    }
    const charts = [own, ...joined.filter(({ verdict }) => verdict.permitted)];
    const patients = charts.map(({ chart }) => chart);
    const shown = await show(deps, visit, { patients, before: asked.value.before });
    if (!shown.ok) return stop(shown.problem, compartment);
    const { page, linesOn } = shown.value;
    const touches = charts.map(({ chart, verdict: { policies } }) => {
      const count = linesOn(chart);
      return touch({ ...blank, compartment: chart, categories: ["AuditEvent"], count, policies });
    });
    return { kind: "shown", touches, answer: jsonAnswer(page) };
  };
}
