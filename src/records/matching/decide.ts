import type { IncomingMessage } from "node:http";
import type { ResourceId } from "#core/ids.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { failed, invariant, ok, type Result } from "#core/result.ts";
import type { BlindIndex } from "#records/blind/blind-index.ts";
import {
  refused,
  type Interaction,
  type Outcome,
  type Refusal,
  type Shown,
} from "#records/door.ts";
import { categoriesOf } from "#records/fhir/categories.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { jsonAnswer, checkMediaType, readBody, textOf } from "#records/http.ts";
import {
  findChart,
  formerText,
  patientType,
  type ChartDeps,
  type ChartFound,
  type OpenChart,
} from "#records/matching/charts.ts";
import { compare } from "#records/matching/compare.ts";
import {
  decisionLimits,
  parseDecision,
  type DecisionQuestion,
} from "#records/matching/decision-question.ts";
import { decisionTask } from "#records/matching/decision-task.ts";
import {
  readMergedOf,
  type ChartDecision,
  type MergedChart,
} from "#records/matching/merge-store.ts";
import { activeOf, withActive, withLink, withoutLink } from "#records/matching/patient-text.ts";
import { personOf } from "#records/matching/person.ts";
import { scoreOf } from "#records/matching/score.ts";
import { putRow } from "#records/row-write.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import { newId } from "#records/write-body.ts";
import type { RowOutcome, RowWrite } from "#records/write-plan.ts";
import { touchOfWrite } from "#records/write-prepare.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";
import type { DataKey, Vault } from "#vault/vault.ts";

export interface DecideDeps extends ChartDeps {
  readonly db: Queryable;
  readonly random: Random;
  readonly vault: Vault;
  readonly blind: Pick<BlindIndex, "writeKeys">;
}

/** The two charts as they stand, and the merge that joins them now. */
interface Pair {
  readonly survivor: OpenChart;
  readonly other: OpenChart;
  readonly joined: MergedChart | null;
}

const actionOf = ({ kind }: Pick<DecisionQuestion, "kind">): Touch["action"] =>
  kind === "distinct" ? "match" : kind;

async function readQuestion(request: IncomingMessage): Promise<Result<DecisionQuestion>> {
  const typed = checkMediaType(request, "json");
  if (!typed.ok) return typed;
  const body = await readBody(request, decisionLimits.bodyBytes);
  if (!body.ok) return body;
  const text = textOf(body.value);
  return text.ok ? parseDecision(text.value) : text;
}

/** One level deep: a survivor is not merged away, and who is merged away has nobody merged into her. */
function standing(
  { kind }: DecisionQuestion,
  { survivor, other }: Omit<Pair, "joined">,
  merges: readonly MergedChart[],
): Result<MergedChart | null> {
  const joined = merges.find(
    ({ merged, survivor: into }) =>
      merged.compartment === other.compartment && into.compartment === survivor.compartment,
  );
  if (kind === "unmerge")
    return joined === undefined
      ? refuse("not-found", { detail: "These two charts are not merged." })
      : ok(joined);
  const isTaken = merges.some(
    ({ merged, survivor: into }) =>
      merged.compartment === other.compartment ||
      merged.compartment === survivor.compartment ||
      (kind === "merge" && into.compartment === other.compartment),
  );
  return isTaken ? refuse("chart-merged") : ok(null);
}

/** Patients' texts as the decision leaves them; null where it writes none. */
async function textsAfter(
  deps: DecideDeps,
  visit: Visit,
  { kind }: DecisionQuestion,
  { survivor, other, joined }: Pair,
): Promise<Result<readonly [survivor: string, other: string] | null>> {
  if (kind === "distinct") return ok(null);
  const replaces = { other: other.id, kind: "replaces" } as const;
  const replaced = { other: survivor.id, kind: "replaced-by" } as const;
  if (kind === "merge")
    return ok([
      withLink(survivor.opened.text, replaces),
      withActive(withLink(other.opened.text, replaced), "false"),
    ]);
  invariant(joined !== null, "who is parted was joined");
  const version = joined.mergedVersion - 1;
  const before = await formerText(deps, visit, { id: other.id, version });
  if (!before.ok) return before;
  const active = before.value === null ? null : activeOf(before.value);
  return ok([
    withoutLink(survivor.opened.text, replaces),
    withActive(withoutLink(other.opened.text, replaced), active),
  ]);
}

interface Keys {
  readonly survivor: DataKey;
  readonly other: DataKey;
  readonly blind: readonly DataKey[];
}

async function keysFor(deps: DecideDeps, { survivor, other }: Pair): Promise<Result<Keys>> {
  const keys = await deps.vault.keys([survivor.compartment, other.compartment]);
  if (!keys.ok) return keys;
  const blind = await deps.blind.writeKeys();
  if (!blind.ok) return blind;
  const [one, two] = [survivor, other].map(({ compartment }) => keys.value.get(compartment));
  return one === undefined || two === undefined
    ? refuse("record-shredded")
    : ok({ survivor: one, other: two, blind: blind.value });
}

function rowOf(
  text: string,
  {
    chart,
    key,
    id,
    ifVersion,
  }: { chart: OpenChart; key: DataKey; id: ResourceId; ifVersion: number },
  { vault, blindKeys }: { vault: Vault; blindKeys: readonly DataKey[] },
): Result<RowWrite> {
  const parsed = parseResource(text, {});
  if (!parsed.ok) return parsed;
  const { compartment, id: patient } = chart;
  const place = { id, compartment, patient, key, ifVersion, skipUnchanged: false, blindKeys };
  return ok(putRow(parsed.value, place, vault));
}

interface Prepared {
  readonly rows: readonly RowWrite[];
  readonly decision: ChartDecision;
}

async function prepare(
  deps: DecideDeps,
  visit: Visit,
  question: DecisionQuestion,
  pair: Pair,
): Promise<Result<Prepared>> {
  const { survivor, other, joined } = pair;
  const texts = await textsAfter(deps, visit, question, pair);
  if (!texts.ok) return texts;
  const keys = await keysFor(deps, pair);
  if (!keys.ok) return keys;
  const id = newId(deps);
  const score = scoreOf(compare(personOf(survivor.opened.value), personOf(other.opened.value)));
  const account = visit.caller.live.account;
  const undoes = joined?.decision ?? null;
  const task = decisionTask({ id, question, score, account, at: visit.at, undoes });
  const place = { vault: deps.vault, blindKeys: keys.value.blind };
  const [survivorText, otherText] = texts.value ?? [];
  const made: Result<RowWrite>[] = [];
  const { survivorVersion, otherVersion } = question;
  if (survivorText !== undefined && otherText !== undefined)
    made.push(
      rowOf(
        survivorText,
        { chart: survivor, key: keys.value.survivor, id: survivor.id, ifVersion: survivorVersion },
        place,
      ),
      rowOf(
        otherText,
        { chart: other, key: keys.value.other, id: other.id, ifVersion: otherVersion },
        place,
      ),
    );
  made.push(
    rowOf(
      JSON.stringify(task),
      { chart: survivor, key: keys.value.survivor, id, ifVersion: 0 },
      place,
    ),
  );
  const rows: RowWrite[] = [];
  for (const row of made) {
    if (!row.ok) return row;
    rows.push(row.value);
  }
  const decision: ChartDecision = {
    kind: question.kind,
    task: id,
    survivor: { id: survivor.id, compartment: survivor.compartment },
    other: { id: other.id, compartment: other.compartment },
    otherVersion: question.kind === "merge" ? otherVersion + 1 : null,
    by: account,
    at: visit.at,
  };
  return ok({ rows, decision });
}

function touchesOf(
  { rows, decision }: Prepared,
  pair: Pair,
  outcomes: readonly RowOutcome[],
): readonly Touch[] {
  const action = actionOf(decision);
  const written = rows.map(({ type, id, compartment }, at) => {
    const outcome = outcomes[at];
    invariant(outcome !== undefined, "a written row has an outcome");
    const chart = compartment === pair.other.compartment ? pair.other : pair.survivor;
    const { policies, opened } = chart;
    const value = type === patientType() ? opened.value : null;
    const categories = value === null ? [type] : categoriesOf(value);
    return touchOfWrite(touch({ action, compartment, type, id, categories, policies }), outcome);
  });
  const { compartment, id, policies } = pair.other;
  // Nothing of the other is written when two are found to be two; that it was decided belongs in her log, too.
  return decision.kind === "distinct"
    ? [...written, touch({ action, compartment, type: "Patient", id, policies })]
    : written;
}

function outcomeOf(prepared: Prepared, pair: Pair, attempted: Touch): Outcome {
  const { rows, decision } = prepared;
  const settle = (outcomes: readonly RowOutcome[]): Shown => ({
    touches: touchesOf(prepared, pair, outcomes),
    answer: jsonAnswer({ id: decision.task, kind: decision.kind }),
  });
  return { kind: "written", work: { atomic: true, rows, decision }, settle, attempted };
}

const knownOf = ({ compartment, policies }: Extract<ChartFound, { ok: false }>) => ({
  compartment,
  policies,
});

const isStale = ({ survivorVersion, otherVersion }: DecisionQuestion, pair: Omit<Pair, "joined">) =>
  pair.survivor.opened.row.version !== survivorVersion ||
  pair.other.opened.row.version !== otherVersion;

/**
 * `POST /api/records/chart-decisions`: somebody decides that two charts are one person's, that they
 * are not, or that they no longer are. Both Patients, the Task that says why and the decision itself
 * are written in one transaction with their entries in the log, or none is.
 */
export function decideOnCharts(deps: DecideDeps, request: IncomingMessage): Interaction {
  return async (visit) => {
    const question = await readQuestion(request);
    const blank = touch({ action: "merge", compartment: null, type: "Patient" });
    if (!question.ok) return refused(question.problem, blank);
    const asked = question.value;
    const about = { ...blank, action: actionOf(asked) };
    const stop = (found: Problem, known: Partial<Touch> = {}): Refusal =>
      refused(found, { ...about, ...known });
    const survivor = await findChart(deps, visit, { id: asked.survivor, at: "survivor" });
    if (!survivor.ok) return stop(survivor.problem, knownOf(survivor));
    const other = await findChart(deps, visit, { id: asked.other, at: "other" });
    if (!other.ok) return stop(other.problem, knownOf(other));
    const { compartment, id } = survivor.value;
    const known = { compartment, id };
    const both = { survivor: survivor.value, other: other.value };
    if (isStale(asked, both)) return stop(problem("version-conflict"), known);
    // After the versions: a decision that comes between changes these, and ours is refused then.
    const charts = [both.survivor.compartment, both.other.compartment];
    const merges = await attempt(() => readMergedOf(deps.db, charts));
    const joined = merges.ok ? standing(asked, both, merges.value) : failed(merges.problem);
    if (!joined.ok) return stop(joined.problem, known);
    const pair = { ...both, joined: joined.value };
    const prepared = await prepare(deps, visit, asked, pair);
    if (!prepared.ok) return stop(prepared.problem, known);
    return outcomeOf(prepared.value, pair, { ...about, ...known });
  };
}
