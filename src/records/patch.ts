import type { IncomingMessage } from "node:http";
import { limits } from "#core/limits.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { conditionOf, seek } from "#records/conditional.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { parseFhirPathPatch } from "#records/fhir/patch/fhirpath-patch.ts";
import { parseJsonPatch } from "#records/fhir/patch/json-patch.ts";
import type { Patch } from "#records/fhir/patch/patch.ts";
import { checkMediaType, mediaTypeOf, readBody, textOf } from "#records/http.ts";
import { openRows } from "#records/opening.ts";
import { ifMatchVersion } from "#records/preference.ts";
import { decideOpened, refuseById, refuseUnopened, type Wanted } from "#records/read.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import { writing, type Beside } from "#records/write-answer.ts";
import { preparePut, type PreparedWrite, type WriteDeps } from "#records/write-prepare.ts";

/** Reads the text of a FHIRPath Patch: a Parameters resource, checked as one. */
export function readFhirPathPatch(text: string): Result<Patch> {
  const parameters = parseResource(text, {});
  if (!parameters.ok) return parameters;
  return parameters.value.type === "Parameters"
    ? parseFhirPathPatch(text)
    : refuse("resource-type-mismatch", { at: "resourceType" });
}

async function readPatch(request: IncomingMessage): Promise<Result<Patch>> {
  const typed = checkMediaType(request, "patch");
  if (!typed.ok) return typed;
  const body = await readBody(request, limits.bodyBytes);
  if (!body.ok) return body;
  const text = textOf(body.value);
  if (!text.ok) return text;
  return mediaTypeOf(request) === "application/json-patch+json"
    ? parseJsonPatch(text.value)
    : readFhirPathPatch(text.value);
}

export interface Patching extends Wanted {
  readonly patch: Patch;
  /** The version that must be current; null when any, and then the one that was patched must still be. */
  readonly ifVersion: number | null;
}

/** A patched version to write; `seen` is what the log is told of the reading it took. */
export type PreparedPatch = PreparedWrite & { readonly seen: readonly Touch[] };

/**
 * Opens the newest version, patches and checks it. The answer shows all of the resource, and a test
 * within a patch can ask about it: so the caller must be permitted to read it as well as to change it.
 */
export async function preparePatch(
  deps: WriteDeps,
  visit: Visit,
  { type, id, patch, ifVersion }: Patching,
): Promise<PreparedPatch> {
  const about = touch({ action: "update", compartment: null, type, id });
  const stop = (refusal: Refusal): PreparedPatch => ({ ok: false, refusal, seen: [] });
  const found = await deps.store.find(type, id, visit.asker);
  if (!found.ok) return stop(refused(found.problem, about));
  const [row] = found.value.rows;
  if (row === undefined) return stop(refused(problem("not-found"), about));
  const { compartment, version } = row;
  const known = { ...about, compartment };
  const question = { type, compartment, inCareTeam: found.value.inCareTeam } as const;
  const first = visit.decide({ ...question, action: "read", labels: [] });
  if (!first.permitted) return stop(refuseById(visit, first.problem, { ...first, touch: known }));
  if (row.deleted) return stop(refused(problem("gone"), known));
  if (ifVersion !== null && ifVersion !== version)
    return stop(refused(problem("version-conflict"), known));
  const opened = await openRows([row], deps, visit);
  if (!opened.ok) return stop(refuseUnopened(opened, known));
  const kinds = opened.value.map(deps.kindsOf);
  for (const action of ["read", "update"] as const) {
    const verdict = decideOpened(visit, { ...question, action }, kinds);
    if (!verdict.permitted)
      return stop(refuseById(visit, verdict.problem, { ...verdict, touch: known }));
  }
  const patched = patch(opened.value[0]?.text ?? "");
  const parsed = patched.ok
    ? parseResource(patched.value, { type, id, conformance: deps.conformance() })
    : patched;
  if (!parsed.ok) return stop(refused(parsed.problem, known));
  const put = { method: "PUT", parsed: parsed.value, id, ifVersion: version } as const;
  const prepared = await preparePut(deps, visit, put);
  const { dekVersion } = row;
  const seen = touch({
    ...known,
    action: "read",
    version,
    dekVersion,
    count: 1,
    policies: first.policies,
  });
  return { ...prepared, seen: [seen] };
}

const stopOf =
  (wanted: Partial<Wanted>) =>
  (found: Problem): Refusal =>
    refused(found, touch({ action: "update", compartment: null, ...wanted }));

interface Asked {
  readonly patch: Patch;
  readonly ifVersion: number | null;
}

async function readAsked(request: IncomingMessage): Promise<Result<Asked>> {
  const ifVersion = ifMatchVersion(request.headers);
  if (!ifVersion.ok) return ifVersion;
  const patch = await readPatch(request);
  return patch.ok ? ok({ patch: patch.value, ifVersion: ifVersion.value }) : patch;
}

async function patching(
  deps: WriteDeps,
  visit: Visit,
  wanted: Patching,
  { request, touches = [], ownVersion }: Beside & { readonly request: IncomingMessage },
): Promise<Outcome> {
  const prepared = await preparePatch(deps, visit, wanted);
  const { publicOrigin } = deps;
  const seen = [...touches, ...prepared.seen];
  return writing({ request, publicOrigin }, prepared, { touches: seen, ownVersion });
}

/** `PATCH /fhir/:type/:id`: a JSON Patch or a FHIRPath Patch, by its media type (R4 §3.1.0.7). */
export function patchResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  return async (visit) => {
    const asked = await readAsked(request);
    if (!asked.ok) return stopOf(wanted)(asked.problem);
    const ownVersion = asked.value.ifVersion === null;
    return patching(deps, visit, { ...wanted, ...asked.value }, { request, ownVersion });
  };
}

/** `PATCH /fhir/:type?…`: of the one resource that meets the condition. */
export function patchByCondition(
  deps: WriteDeps,
  request: IncomingMessage,
  { type, query }: Pick<Wanted, "type"> & { readonly query: URLSearchParams },
): Interaction {
  return async (visit) => {
    const stop = stopOf({ type });
    const asked = await readAsked(request);
    if (!asked.ok) return stop(asked.problem);
    const sought = await seek(deps, visit, conditionOf(type, query, null));
    if (sought.kind === "refused") return sought;
    if (sought.kind === "none") return stop(problem("not-found"));
    const { match, touches } = sought;
    const { patch, ifVersion } = asked.value;
    if (ifVersion !== null && ifVersion !== match.version) return stop(problem("version-conflict"));
    const found = { type, id: match.id, patch, ifVersion: match.version };
    return patching(deps, visit, found, { request, touches, ownVersion: ifVersion === null });
  };
}
