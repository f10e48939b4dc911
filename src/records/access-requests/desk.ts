import type { IncomingMessage } from "node:http";
import { parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import type { AccessRequestLine } from "#core/wire.ts";
import { lineOf } from "#records/access-requests/line.ts";
import { parseAct, parseAsked, requestLimits } from "#records/access-requests/parse.ts";
import type { RegisterRow } from "#records/access-requests/register-row.ts";
import { registerRows, requestById, requestsOf } from "#records/access-requests/register-store.ts";
import {
  newRequest,
  perform,
  type AccessRequest,
  type Act,
  type Deed,
} from "#records/access-requests/request.ts";
import { openRequest, sealRequest } from "#records/access-requests/sealing.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { jsonAnswer, type Answer } from "#records/http.ts";
import { chartPerson } from "#records/chart-person.ts";
import type { OpeningDeps } from "#records/opening.ts";
import { refuseById } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import { actingAs, touch, type Touch, type Verdict, type Visit } from "#records/visit.ts";
import { newId, readJsonValue } from "#records/write-body.ts";
import type { Queryable } from "#storage/database.ts";
import type { Vault } from "#vault/vault.ts";

export interface AccessDeskDeps extends OpeningDeps {
  readonly db: Queryable;
  readonly random: Random;
  readonly vault: Vault;
  readonly store: RecordStore;
}

const dataType = "AccessRequest";

const touchOf = (known: Partial<Touch>): Touch =>
  touch({ action: "access-request", compartment: null, type: dataType, ...known });

function ask(
  visit: Visit,
  action: "access-request" | "access-register",
  compartment: Pseudonym | null,
): Verdict {
  const whose = compartment ?? "organisation";
  return visit.decide({
    action,
    type: dataType,
    compartment: whose,
    inCareTeam: false,
    labels: [],
  });
}

function denied(visit: Visit, verdict: Extract<Verdict, { permitted: false }>, about: Touch) {
  return refuseById(visit, verdict.problem, { policies: verdict.policies, touch: about });
}

const deedOf = (visit: Visit, compartment: Pseudonym): Omit<Deed, "at"> => ({
  account: visit.caller.live.account,
  role: actingAs(visit.caller, compartment).role,
});

const bodyOf = (request: IncomingMessage): Promise<Result<unknown>> =>
  readJsonValue(request, requestLimits.bodyBytes);

/** Writes a version together with its entry; answers what stands then. */
function writing(
  visit: Visit,
  version: { readonly row: RegisterRow; readonly request: AccessRequest },
  about: { readonly status: number; readonly policies: readonly string[] },
): Outcome {
  const { row, request } = version;
  const { compartment, id, dekVersion } = row;
  const attempted = touchOf({ compartment, id, version: row.version });
  const line = lineOf(row, request, visit.caller.live.account);
  const answer: Answer = { ...jsonAnswer(line), status: about.status };
  const done = { ...attempted, categories: [dataType], count: 1, dekVersion };
  return {
    kind: "written",
    work: { kind: "access-request", row, changedAt: visit.at },
    settle: () => ({ touches: [{ ...done, policies: about.policies }], answer }),
    attempted,
  };
}

/** `POST /api/records/access-requests`: a person asks for access to her record. */
export function askForAccess(deps: AccessDeskDeps, request: IncomingMessage): Interaction {
  return async (visit) => {
    const stop = (found: Problem, compartment: Pseudonym | null = null): Refusal =>
      refused(found, touchOf({ compartment }));
    const body = await bodyOf(request);
    if (!body.ok) return stop(body.problem);
    const asked = parseAsked(body.value);
    if (!asked.ok) return stop(asked.problem);
    const { patient } = asked.value;
    const compartment = deps.vault.pseudonymOf(patient);
    const verdict = ask(visit, "access-request", compartment);
    if (!verdict.permitted) return denied(visit, verdict, touchOf({ compartment }));
    const before = await requestsOf(deps.db, compartment);
    if (!before.ok) return stop(before.problem, compartment);
    if (before.value.filter(({ isOpen }) => isOpen).length >= requestLimits.openPerPatient)
      return stop(problem("too-costly", { detail: "Too many requests are open." }), compartment);
    const person = await chartPerson(deps, visit, { patient, about: touchOf({ compartment }) });
    if ("kind" in person) return person;
    const made = newRequest({ ...asked.value, person }, deedOf(visit, compartment), visit.at);
    const place = { id: newId(deps), version: 1, compartment };
    const row = await sealRequest(made, place, deps);
    if (!row.ok) return stop(row.problem, compartment);
    const { policies } = verdict;
    return writing(visit, { row: row.value, request: made }, { status: 201, policies });
  };
}

/** A withdrawal is the person's own; everything else is the register's. */
const actionOf = ({ act }: Act): "access-request" | "access-register" =>
  act === "withdraw" ? "access-request" : "access-register";

/** `POST /api/records/access-requests/:id`: extends, answers, denies or withdraws a request. */
export function actOnRequest(
  deps: AccessDeskDeps,
  request: IncomingMessage,
  id: ResourceId,
): Interaction {
  return async (visit) => {
    const stop = (found: Problem, known: Partial<Touch> = {}): Refusal =>
      refused(found, touchOf({ id, ...known }));
    const body = await bodyOf(request);
    if (!body.ok) return stop(body.problem);
    const asked = parseAct(body.value);
    if (!asked.ok) return stop(asked.problem);
    const { act, version } = asked.value;
    const found = await requestById(deps.db, id);
    if (!found.ok) return stop(found.problem);
    if (found.value === null) return stop(problem("not-found"));
    const { compartment } = found.value;
    const about = { compartment, version: found.value.version };
    const verdict = ask(visit, actionOf(act), compartment);
    if (!verdict.permitted) return denied(visit, verdict, touchOf({ id, ...about }));
    if (found.value.version !== version) return stop(problem("version-conflict"), about);
    const opened = await openRequest(found.value, deps);
    if (!opened.ok) return stop(opened.problem, about);
    const next = perform(opened.value, act, deedOf(visit, compartment), visit.at);
    if (!next.ok) return stop(next.problem, about);
    const row = await sealRequest(next.value, { id, version: version + 1, compartment }, deps);
    if (!row.ok) return stop(row.problem, about);
    const { policies } = verdict;
    return writing(visit, { row: row.value, request: next.value }, { status: 200, policies });
  };
}

interface Line {
  readonly line: AccessRequestLine;
  readonly touch: Touch;
}

/** A request whose record was destroyed is told of without its words. */
async function readLines(
  rows: readonly { readonly row: RegisterRow; readonly policies: readonly string[] }[],
  visit: Visit,
  deps: AccessDeskDeps,
): Promise<Result<readonly Line[]>> {
  const keys = await deps.vault.keys(rows.map(({ row }) => row.compartment));
  if (!keys.ok) return keys;
  const lines: Line[] = [];
  for (const { row, policies } of rows) {
    const opened = await openRequest(row, deps);
    if (!opened.ok && opened.problem.code !== "record-shredded") return opened;
    const { compartment, id, version, dekVersion } = row;
    lines.push({
      line: lineOf(row, opened.ok ? opened.value : null, visit.caller.live.account),
      touch: touchOf({
        compartment,
        id,
        version,
        dekVersion,
        policies,
        categories: [dataType],
        count: 1,
      }),
    });
  }
  return ok(lines);
}

/** `GET /api/records/access-requests?patient=ID`: one person's; without a patient the register. */
export function listRequests(deps: AccessDeskDeps, query: URLSearchParams): Interaction {
  return async (visit) => {
    const named = query.get("patient");
    const patient = named === null ? null : parseResourceId(named);
    if (named !== null && patient === null)
      return refused(problem("parameter-invalid", { at: "patient" }), touchOf({}));
    const compartment = patient === null ? null : deps.vault.pseudonymOf(patient);
    const action = compartment === null ? "access-register" : "access-request";
    const about = touchOf({ compartment });
    const verdict = ask(visit, action, compartment);
    if (!verdict.permitted) return denied(visit, verdict, about);
    const found =
      compartment === null ? await registerRows(deps.db) : await requestsOf(deps.db, compartment);
    if (!found.ok) return refused(found.problem, about);
    // Nobody keeps the register of herself: her own requests are for another officer.
    const rows = found.value.flatMap((row) => {
      const { permitted, policies } = ask(visit, action, row.compartment);
      return permitted ? [{ row, policies }] : [];
    });
    const lines = await readLines(rows, visit, deps);
    if (!lines.ok) return refused(lines.problem, about);
    const { policies } = verdict;
    const touches = lines.value.map((each) => each.touch);
    const answer = jsonAnswer({ requests: lines.value.map(({ line }) => line) });
    return {
      kind: "shown",
      touches: touches.length === 0 ? [{ ...about, policies }] : touches,
      answer,
    };
  };
}
