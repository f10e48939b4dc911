import { auditEntry } from "#core/audit-entry.ts";
import type { AccountId, Pseudonym, ResourceId } from "#core/ids.ts";
import { ok, type Result } from "#core/result.ts";
import type { EmergencyLine } from "#core/wire.ts";
import {
  askPolicy,
  denied,
  patientIn,
  stop,
  touchOf,
  type EmergencyDeskDeps,
} from "#records/break-glass/desk.ts";
import { lineOf, type Reader } from "#records/break-glass/line.ts";
import type { OpeningRow } from "#records/break-glass/opening-row.ts";
import { queueRows, standingOf } from "#records/break-glass/opening-store.ts";
import { openOpening } from "#records/break-glass/sealing.ts";
import { refused, type Interaction, type Outcome } from "#records/door.ts";
import { jsonAnswer } from "#records/http.ts";
import { namesFor } from "#records/names.ts";
import type { Touch, Visit } from "#records/visit.ts";

interface Permitted {
  readonly row: OpeningRow;
  readonly policies: readonly string[];
}

interface Line {
  readonly line: EmergencyLine;
  readonly touch: Touch;
}

/** To read who opened which chart is to read the log of who looked. */
const listingOf = (known: Partial<Touch>): Touch =>
  touchOf({ action: "access-log", categories: ["AuditEvent"], ...known });

/** Names those who opened charts, as the log of a patient's readings does. */
async function readerOf(
  rows: readonly Permitted[],
  visit: Visit,
  deps: EmergencyDeskDeps,
): Promise<Result<Reader>> {
  const { account } = visit.caller.live;
  const { at } = visit;
  const entryOf = (actor: AccountId) =>
    auditEntry({ time: at, action: "break-glass", decision: "permit", actor, role: "clinician" });
  const names = await namesFor(
    rows.map(({ row }) => entryOf(row.account)),
    account,
    deps,
  );
  if (!names.ok) return names;
  return ok({ account, at, nameOf: (opener) => names.value(entryOf(opener)) });
}

/** An opening whose record was destroyed is told of without its words. */
async function readLines(
  rows: readonly Permitted[],
  visit: Visit,
  deps: EmergencyDeskDeps,
): Promise<Result<readonly Line[]>> {
  const keys = await deps.vault.keys(rows.map(({ row }) => row.compartment));
  if (!keys.ok) return keys;
  const reader = await readerOf(rows, visit, deps);
  if (!reader.ok) return reader;
  const lines: Line[] = [];
  for (const { row, policies } of rows) {
    const opened = await openOpening(row, deps);
    if (!opened.ok && opened.problem.code !== "record-shredded") return opened;
    const { compartment, id, version, dekVersion } = row;
    const about = { compartment, id, version, dekVersion, policies };
    lines.push({
      line: lineOf(row, opened.ok ? opened.value : null, reader.value),
      touch: listingOf({ ...about, count: 1 }),
    });
  }
  return ok(lines);
}

async function shown(
  deps: EmergencyDeskDeps,
  visit: Visit,
  {
    rows,
    about,
    purpose,
  }: {
    readonly rows: readonly Permitted[];
    readonly about: Touch;
    readonly purpose: Partial<Pick<Touch, "purpose">>;
  },
): Promise<Outcome> {
  const lines = await readLines(rows, visit, deps);
  if (!lines.ok) return refused(lines.problem, about);
  const touches = lines.value.map((each) => ({ ...each.touch, ...purpose }));
  return {
    kind: "shown",
    touches: touches.length === 0 ? [about] : touches,
    answer: jsonAnswer({ openings: lines.value.map(({ line }) => line) }),
  };
}

/** All of them, for an officer; her own chart's, and what she opened herself, are for another. */
async function queue(deps: EmergencyDeskDeps, visit: Visit): Promise<Outcome> {
  const verdict = askPolicy(visit, "break-glass-review", { compartment: null });
  if (!verdict.permitted) return denied(visit, verdict, touchOf({}));
  const found = await queueRows(deps.db);
  if (!found.ok) return stop(found.problem);
  const rows = found.value.flatMap((row): Permitted[] => {
    const { permitted, policies } = askPolicy(visit, "break-glass-review", row);
    return permitted ? [{ row, policies }] : [];
  });
  return shown(deps, visit, {
    rows,
    about: listingOf({ policies: verdict.policies }),
    purpose: {},
  });
}

/** What the reader herself has open of one patient. */
async function own(deps: EmergencyDeskDeps, visit: Visit, patient: ResourceId): Promise<Outcome> {
  const compartment = deps.vault.pseudonymOf(patient);
  const verdict = askPolicy(visit, "break-glass", { compartment });
  if (!verdict.permitted) return denied(visit, verdict, touchOf({ compartment }));
  const others = deps.samePerson.othersOf(compartment).map((chart) => chart.compartment);
  const charts: readonly Pseudonym[] = [compartment, ...others];
  const { account } = visit.caller.live;
  const found = await standingOf(deps.db, { account, charts, at: visit.at });
  if (!found.ok) return stop(found.problem, { compartment });
  const { policies } = verdict;
  return shown(deps, visit, {
    rows: found.value.map((row) => ({ row, policies })),
    // That there is none tells nothing of the patient, and happens whenever a chart is opened.
    about: listingOf({ policies }),
    purpose: { purpose: "BTG" },
  });
}

/** `GET /api/records/break-glass?patient=ID`: the reader's own that last; without a patient all. */
export function listOpenings(deps: EmergencyDeskDeps, query: URLSearchParams): Interaction {
  return async (visit) => {
    const patient = patientIn(query);
    if (patient === null) return queue(deps, visit);
    return typeof patient === "string" ? own(deps, visit, patient) : stop(patient);
  };
}
