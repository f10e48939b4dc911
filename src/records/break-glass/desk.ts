import type { IncomingMessage } from "node:http";
import { laterBy, type Instant } from "#core/clock.ts";
import { parseResourceId, type Pseudonym, type ResourceId } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { Result } from "#core/result.ts";
import { lineOf } from "#records/break-glass/line.ts";
import {
  newOpening,
  perform,
  type Act,
  type EmergencyOpening,
} from "#records/break-glass/opening.ts";
import type { BreakGlassWrite, OpeningRow } from "#records/break-glass/opening-row.ts";
import {
  openedSince,
  openingById,
  secondsToWait,
  standingOf,
} from "#records/break-glass/opening-store.ts";
import { parseAct, parseAsked, type Asked } from "#records/break-glass/parse.ts";
import { breakGlassLimits, type EmergencyRules } from "#records/break-glass/rules.ts";
import { openOpening, sealOpening } from "#records/break-glass/sealing.ts";
import { chartPerson } from "#records/chart-person.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { jsonAnswer } from "#records/http.ts";
import type { SamePerson } from "#records/matching/same-person.ts";
import type { NamesDeps } from "#records/names.ts";
import { refuseById } from "#records/read.ts";
import type { RecordStore } from "#records/store.ts";
import type { Turnstile } from "#records/turnstile.ts";
import { touch, type Touch, type Verdict, type Visit } from "#records/visit.ts";
import { newId, readJsonValue } from "#records/write-body.ts";
import type { Vault } from "#vault/vault.ts";

export interface EmergencyDeskDeps extends NamesDeps {
  readonly random: Random;
  readonly vault: Vault;
  readonly store: RecordStore;
  readonly samePerson: Pick<SamePerson, "othersOf" | "survivorOf">;
  readonly turnstile: Turnstile;
  readonly emergency: EmergencyRules;
}

export const emergencyType = "EmergencyOpening";

export const touchOf = (known: Partial<Touch>): Touch =>
  touch({ action: "break-glass", compartment: null, type: emergencyType, ...known });

export const stop = (found: Problem, known: Partial<Touch> = {}): Refusal =>
  refused(found, touchOf(known));

export function askPolicy(
  visit: Visit,
  action: "break-glass" | "break-glass-review",
  { compartment, inCareTeam = false }: { compartment: Pseudonym | null; inCareTeam?: boolean },
): Verdict {
  const whose = compartment ?? "organisation";
  return visit.decide({ action, type: emergencyType, compartment: whose, inCareTeam, labels: [] });
}

export function denied(
  visit: Visit,
  verdict: Extract<Verdict, { permitted: false }>,
  about: Touch,
): Refusal {
  return refuseById(visit, verdict.problem, { policies: verdict.policies, touch: about });
}

interface Written {
  readonly row: OpeningRow;
  readonly opening: EmergencyOpening;
  readonly allowance: BreakGlassWrite["allowance"];
  readonly status: number;
  readonly action: Touch["action"];
  /** What the log is told beside whose and which it is. */
  readonly told: Partial<Touch>;
}

/** Writes a version together with its entry; answers what stands then. */
function writing(visit: Visit, written: Written): Outcome {
  const { row, opening, allowance, status, action, told } = written;
  const { compartment, id, version, dekVersion } = row;
  const attempted = touchOf({ action, compartment, id, version });
  const { account } = visit.caller.live;
  // Who opened it is not told to whoever acts on it: an officer read it in the queue.
  const line = lineOf(row, opening, { account, at: visit.at, nameOf: () => "" });
  const done = { ...attempted, categories: [emergencyType], count: 1, dekVersion, ...told };
  return {
    kind: "written",
    work: { kind: "break-glass", row, changedAt: visit.at, allowance },
    settle: () => ({ touches: [done], answer: { ...jsonAnswer(line), status } }),
    attempted,
  };
}

/** One person's attempts one after the other, so that each counts those before it. */
async function takeTurn(visit: Visit, { turnstile }: EmergencyDeskDeps): Promise<Result<unknown>> {
  const leave = await turnstile.enter([`break-glass ${visit.caller.live.account}`]);
  if (leave.ok) visit.afterwards(leave.value);
  return leave;
}

const windowStart = (at: Instant): Instant => laterBy(at, -breakGlassLimits.windowMs);

/** The opening of this chart that lasts already is told again, not doubled. */
async function again(
  deps: EmergencyDeskDeps,
  visit: Visit,
  { row, policies }: { readonly row: OpeningRow; readonly policies: readonly string[] },
): Promise<Outcome> {
  const { compartment, id, version, dekVersion } = row;
  const about = touchOf({ compartment, id, version });
  const opened = await openOpening(row, deps);
  if (!opened.ok) return refused(opened.problem, about);
  const { account } = visit.caller.live;
  const line = lineOf(row, opened.value, { account, at: visit.at, nameOf: () => "" });
  const shown = { ...about, categories: [emergencyType], count: 1, dekVersion, policies };
  return { kind: "shown", touches: [{ ...shown, purpose: "BTG" }], answer: jsonAnswer(line) };
}

interface Permitted {
  readonly asked: Asked;
  readonly compartment: Pseudonym;
  readonly policies: readonly string[];
}

async function openChart(
  deps: EmergencyDeskDeps,
  visit: Visit,
  { asked, compartment, policies }: Permitted,
): Promise<Outcome> {
  const { at, caller } = visit;
  const { account } = caller.live;
  const { emergency } = deps;
  const since = windowStart(at);
  const before = await openedSince(deps.db, account, since);
  if (!before.ok) return stop(before.problem, { compartment });
  if (before.value.count >= emergency.most) {
    const retryAfterSeconds = secondsToWait(before.value, at);
    const detail = "You opened as many charts in an emergency as one person may in 24 hours.";
    const refusal = stop(problem("rate-limited", { detail, retryAfterSeconds }), { compartment });
    return { ...refusal, decision: "deny", signal: "break-glass-braked" };
  }
  const { patient, reason } = asked;
  const person = await chartPerson(deps, visit, { patient, about: touchOf({ compartment }) });
  if ("kind" in person) return person;
  const count = before.value.count + 1;
  const facts = { patient, person, account, reason, count, openedAt: at };
  const opening = newOpening(facts, emergency);
  const row = await sealOpening(opening, { id: newId(deps), version: 1, compartment }, deps);
  if (!row.ok) return stop(row.problem, { compartment });
  const signal = count < breakGlassLimits.repeatedFrom ? "break-glass" : "break-glass-repeated";
  const told = { policies, purpose: "BTG", signal } as const;
  const allowance = { since, most: emergency.most };
  return writing(visit, {
    row: row.value,
    opening,
    allowance,
    status: 201,
    action: "break-glass",
    told,
  });
}

/** `POST /api/records/break-glass`: a clinician opens the chart of a patient who is not in her care. */
export function openInEmergency(deps: EmergencyDeskDeps, request: IncomingMessage): Interaction {
  return async (visit) => {
    const body = await readJsonValue(request, breakGlassLimits.bodyBytes);
    if (!body.ok) return stop(body.problem);
    const asked = parseAsked(body.value);
    if (!asked.ok) return stop(asked.problem);
    const compartment = deps.vault.pseudonymOf(asked.value.patient);
    const inCareTeam = await deps.store.isInCareTeam(compartment, visit.asker);
    if (!inCareTeam.ok) return stop(inCareTeam.problem, { compartment });
    if (inCareTeam.value) {
      const detail = "is in your care: the chart is open to you without this";
      return stop(problem("parameter-invalid", { at: "patient", detail }), { compartment });
    }
    const verdict = askPolicy(visit, "break-glass", { compartment });
    if (!verdict.permitted) return denied(visit, verdict, touchOf({ compartment }));
    const turn = await takeTurn(visit, deps);
    if (!turn.ok) return stop(turn.problem, { compartment });
    const others = deps.samePerson.othersOf(compartment).map((chart) => chart.compartment);
    const { account } = visit.caller.live;
    const charts = [compartment, ...others];
    const standing = await standingOf(deps.db, { account, charts, at: visit.at });
    if (!standing.ok) return stop(standing.problem, { compartment });
    const [row] = standing.value;
    const { policies } = verdict;
    if (row !== undefined) return again(deps, visit, { row, policies });
    return openChart(deps, visit, { asked: asked.value, compartment, policies });
  };
}

const actionOf = ({ act }: Act): "break-glass" | "break-glass-review" =>
  act === "close" ? "break-glass" : "break-glass-review";

/** `POST /api/records/break-glass/:id`: who opened it closes it, or an officer records what she found. */
export function actOnOpening(
  deps: EmergencyDeskDeps,
  request: IncomingMessage,
  id: ResourceId,
): Interaction {
  return async (visit) => {
    const body = await readJsonValue(request, breakGlassLimits.bodyBytes);
    if (!body.ok) return stop(body.problem, { id });
    const asked = parseAct(body.value);
    if (!asked.ok) return stop(asked.problem, { id });
    const { act, version } = asked.value;
    const found = await openingById(deps.db, id);
    if (!found.ok) return stop(found.problem, { id });
    if (found.value === null) return stop(problem("not-found"), { id });
    const { compartment } = found.value;
    const action = act.act === "close" ? "break-glass-close" : "break-glass-review";
    const about = { action, id, compartment, version: found.value.version } as const;
    const verdict = askPolicy(visit, actionOf(act), { compartment });
    if (!verdict.permitted) return denied(visit, verdict, touchOf(about));
    if (found.value.version !== version) return stop(problem("version-conflict"), about);
    const opened = await openOpening(found.value, deps);
    if (!opened.ok) return stop(opened.problem, about);
    const { account } = visit.caller.live;
    const next = perform(opened.value, act, { account, at: visit.at });
    if (!next.ok) return stop(next.problem, about);
    const row = await sealOpening(next.value, { id, version: version + 1, compartment }, deps);
    if (!row.ok) return stop(row.problem, about);
    const told: Partial<Touch> = {
      policies: verdict.policies,
      ...(act.act === "close" ? { purpose: "BTG" } : {}),
      ...(act.act === "review" && act.finding === "not-justified"
        ? { signal: "break-glass-not-justified" }
        : {}),
    };
    return writing(visit, {
      row: row.value,
      opening: next.value,
      allowance: null,
      status: 200,
      action,
      told,
    });
  };
}

/** The patient that a query names; null for none. Fails where it is no id. */
export function patientIn(query: URLSearchParams): ResourceId | null | Problem {
  const named = query.get("patient");
  if (named === null) return null;
  return (
    parseResourceId(named) ??
    problem("parameter-invalid", { at: "patient", detail: "is the id of a Patient" })
  );
}
