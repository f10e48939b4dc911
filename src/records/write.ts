import type { IncomingMessage } from "node:http";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { parseResourceId } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, type Result } from "#core/result.ts";
import {
  refused,
  type Interaction,
  type Outcome,
  type Refusal,
  type Shown,
} from "#records/door.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { checkMediaType, fhirAnswer, readBody, textOf } from "#records/http.ts";
import { ifMatchVersion, preferredReturn } from "#records/preference.ts";
import { versionHeaders, type Wanted } from "#records/read.ts";
import { touch } from "#records/visit.ts";
import type { RowOutcome, RowWrite } from "#records/write-plan.ts";
import {
  prepareDelete,
  preparePut,
  touchOfWrite,
  type PreparedWrite,
  type WriteDeps,
} from "#records/write-prepare.ts";

/** Reads a JSON body; fails as media-type-unsupported, body-too-large or json-broken. */
export async function readJsonText(request: IncomingMessage): Promise<Result<string>> {
  const typed = checkMediaType(request, "json");
  if (!typed.ok) return typed;
  const body = await readBody(request, limits.bodyBytes);
  return body.ok ? textOf(body.value) : body;
}

export function newId({ random }: { readonly random: Pick<Random, "uuid"> }): ResourceId {
  const id = parseResourceId(random.uuid());
  invariant(id !== null, "a uuid is a resource id");
  return id;
}

function answerOf(
  request: IncomingMessage,
  { type, id }: RowWrite,
  written: { readonly outcome: RowOutcome; readonly publicOrigin: string },
): Shown["answer"] {
  const { outcome, publicOrigin } = written;
  invariant(outcome.kind !== "refused", "a refused row has no answer");
  const headers = versionHeaders(outcome.version, outcome.lastUpdated);
  if (outcome.kind === "deleted" || outcome.kind === "unchanged")
    return { status: 204, headers, body: null };
  const location = `${publicOrigin}/fhir/${type}/${id}/_history/${outcome.version}`;
  const body = preferredReturn(request.headers) === "minimal" ? null : outcome.text;
  return fhirAnswer(outcome.kind === "created" ? 201 : 200, body, { ...headers, location });
}

/** A request that writes one row. */
function writing(
  request: IncomingMessage,
  prepared: PreparedWrite,
  { publicOrigin }: WriteDeps,
): Outcome {
  if (!prepared.ok) return prepared.refusal;
  const { row, touch: attempted } = prepared;
  const settle = ([outcome]: readonly RowOutcome[]): Shown => {
    invariant(outcome !== undefined, "a written row has an outcome");
    return {
      touches: [touchOfWrite(attempted, outcome)],
      answer: answerOf(request, row, { outcome, publicOrigin }),
    };
  };
  return { kind: "written", work: { atomic: true, rows: [row] }, settle, attempted };
}

/** `POST /fhir/:type`: the server gives the id, whatever the resource says. */
export function createResource(
  deps: WriteDeps,
  request: IncomingMessage,
  type: ResourceType,
): Interaction {
  return async (visit) => {
    const stop = (found: Problem): Refusal =>
      refused(found, touch({ action: "create", compartment: null, type }));
    if (request.headers["if-none-exist"] !== undefined)
      return stop(problem("parameter-unknown", { at: "If-None-Exist" }));
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, { type });
    if (!parsed.ok) return stop(parsed.problem);
    const put = { method: "POST", parsed: parsed.value, id: newId(deps), ifVersion: null } as const;
    return writing(request, await preparePut(deps, visit, put), deps);
  };
}

/** `PUT /fhir/:type/:id`: a new version, or the first one of an id that the caller chose. */
export function updateResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  return async (visit) => {
    const stop = (found: Problem): Refusal =>
      refused(found, touch({ action: "update", compartment: null, ...wanted }));
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok) return stop(ifVersion.problem);
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, wanted);
    if (!parsed.ok) return stop(parsed.problem);
    const { id } = wanted;
    const put = { method: "PUT", parsed: parsed.value, id, ifVersion: ifVersion.value } as const;
    return writing(request, await preparePut(deps, visit, put), deps);
  };
}

/** `DELETE /fhir/:type/:id`: a last version that says so; what was there stays in the history. */
export function deleteResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  return async (visit) => {
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok)
      return refused(ifVersion.problem, touch({ action: "delete", compartment: null, ...wanted }));
    const deletion = { ...wanted, ifVersion: ifVersion.value };
    return writing(request, await prepareDelete(deps, visit, deletion), deps);
  };
}
