import type { IncomingMessage } from "node:http";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { parseResourceId } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { problem, refuse, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { refused, type Interaction, type Outcome, type Shown } from "#records/door.ts";
import { categoriesOf, labelsOf } from "#records/fhir/categories.ts";
import { compartmentOf, type CompartmentContext } from "#records/fhir/compartment.ts";
import { parseResource, type ParsedResource } from "#records/fhir/parse.ts";
import { checkMediaType, fhirAnswer, readBody, textOf } from "#records/http.ts";
import { ifMatchVersion, wantsRepresentation } from "#records/preference.ts";
import { refuseById, versionHeaders, type ReadDeps, type Wanted } from "#records/read.ts";
import { putRow } from "#records/row-write.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import type { RowOutcome, RowWrite } from "#records/write-plan.ts";
import type { Compartment, DataKey, Vault } from "#vault/vault.ts";

export interface WriteDeps extends ReadDeps {
  readonly vault: Vault;
  readonly random: Random;
}

/** Whose record a resource belongs to. */
export interface Home {
  readonly compartment: Compartment;
  readonly patient: ResourceId | null;
}

/** Reads a JSON body; fails as media-type-unsupported, body-too-large or json-broken. */
export async function readJsonText(request: IncomingMessage): Promise<Result<string>> {
  const typed = checkMediaType(request, "json");
  if (!typed.ok) return typed;
  const body = await readBody(request, limits.bodyBytes);
  return body.ok ? textOf(body.value) : body;
}

/** The compartment of a resource that is to have this id. A Patient is its own. */
export function homeOf(
  { value }: ParsedResource,
  context: CompartmentContext & { readonly id: ResourceId },
  vault: Pick<Vault, "pseudonymOf">,
): Result<Home> {
  const found = compartmentOf(value, context);
  if (!found.ok) return found;
  if (found.value.kind === "organisation")
    return ok({ compartment: "organisation", patient: null });
  const { patient } = found.value;
  return ok({ compartment: vault.pseudonymOf(patient), patient });
}

/**
 * The key to seal a resource with. Only a Patient brings a new key into being; anything else for
 * a patient who has none fails as "reference-missing".
 */
export async function keyForWriting(
  type: ResourceType,
  { compartment, patient }: Home,
  vault: Vault,
): Promise<Result<DataKey>> {
  const keys = await (type === "Patient" ? vault.create([compartment]) : vault.keys([compartment]));
  if (!keys.ok) return keys;
  const key = keys.value.get(compartment);
  if (key !== undefined) return ok(key);
  return patient === null
    ? refuse("key-unavailable")
    : refuse("reference-missing", { detail: `There is no Patient/${patient}.` });
}

export async function standsInCareTeam(
  visit: Visit,
  compartment: Compartment,
  { store }: Pick<WriteDeps, "store">,
): Promise<Result<boolean>> {
  return compartment === "organisation" ? ok(false) : store.isInCareTeam(compartment, visit.asker);
}

/** What the log is told of a row that was written. */
export function touchOfWrite(about: Touch, outcome: RowOutcome): Touch {
  if (outcome.kind === "refused" || outcome.kind === "unchanged") return about;
  const { version, dekVersion, ciphertextHash } = outcome;
  return { ...about, version, dekVersion, ciphertextHash, count: 1 };
}

function answerOf(
  request: IncomingMessage,
  { type, id }: Wanted,
  written: { readonly outcome: RowOutcome; readonly publicOrigin: string },
): Shown["answer"] {
  const { outcome, publicOrigin } = written;
  invariant(outcome.kind !== "refused", "a refused row has no answer");
  const headers = versionHeaders(outcome.version, outcome.lastUpdated);
  if (outcome.kind === "deleted" || outcome.kind === "unchanged")
    return { status: 204, headers, body: null };
  const location = `${publicOrigin}/fhir/${type}/${id}/_history/${outcome.version}`;
  const body = wantsRepresentation(request.headers) ? outcome.text : null;
  return fhirAnswer(outcome.kind === "created" ? 201 : 200, body, { ...headers, location });
}

function writing(
  request: IncomingMessage,
  row: RowWrite,
  about: { readonly touch: Touch; readonly publicOrigin: string },
): Outcome {
  const { touch: attempted, publicOrigin } = about;
  const settle = ([outcome]: readonly RowOutcome[]): Shown => {
    invariant(outcome !== undefined, "a written row has an outcome");
    return {
      touches: [touchOfWrite(attempted, outcome)],
      answer: answerOf(request, row, { outcome, publicOrigin }),
    };
  };
  return { kind: "written", work: { atomic: true, rows: [row] }, settle, attempted };
}

interface Put {
  readonly action: "create" | "update";
  readonly parsed: ParsedResource;
  readonly id: ResourceId;
  readonly ifVersion: number | null;
  readonly home: Home;
  readonly inCareTeam: boolean;
}

async function put(
  deps: WriteDeps,
  visit: Visit,
  { request, ...wanted }: Put & { readonly request: IncomingMessage },
): Promise<Outcome> {
  const { action, parsed, id, ifVersion, home, inCareTeam } = wanted;
  const { type, value } = parsed;
  const { compartment } = home;
  const labels = labelsOf(value);
  const verdict = visit.decide({ action, type, compartment, inCareTeam, labels });
  const categories = categoriesOf(value);
  const about = touch({ action, compartment, type, id, categories, policies: verdict.policies });
  if (!verdict.permitted) return refused(verdict.problem, about);
  const key = await keyForWriting(type, home, deps.vault);
  if (!key.ok) return refused(key.problem, about);
  const placing = { ...home, id, key: key.value, ifVersion, skipUnchanged: false };
  const row = putRow(parsed, placing, deps.vault);
  return writing(request, row, { touch: about, publicOrigin: deps.publicOrigin });
}

/** `POST /fhir/:type`: the server gives the id, whatever the resource says. */
export function createResource(
  deps: WriteDeps,
  request: IncomingMessage,
  type: ResourceType,
): Interaction {
  const id = parseResourceId(deps.random.uuid());
  invariant(id !== null, "a uuid is a resource id");
  return async (visit) => {
    const stop = (found: Problem): Outcome =>
      refused(found, touch({ action: "create", compartment: null, type }));
    if (request.headers["if-none-exist"] !== undefined)
      return stop(problem("parameter-unknown", { at: "If-None-Exist" }));
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, { type });
    if (!parsed.ok) return stop(parsed.problem);
    const home = homeOf(parsed.value, { id }, deps.vault);
    if (!home.ok) return stop(home.problem);
    const inTeam = await standsInCareTeam(visit, home.value.compartment, deps);
    if (!inTeam.ok) return stop(inTeam.problem);
    return put(deps, visit, {
      request,
      action: "create",
      parsed: parsed.value,
      id,
      ifVersion: null,
      home: home.value,
      inCareTeam: inTeam.value,
    });
  };
}

/** `PUT /fhir/:type/:id`: a new version, or the first one of an id that the caller chose. */
export function updateResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  return async (visit) => {
    const stop = (found: Problem, compartment: Compartment | null = null): Outcome =>
      refused(found, touch({ action: "update", compartment, ...wanted }));
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok) return stop(ifVersion.problem);
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, wanted);
    if (!parsed.ok) return stop(parsed.problem);
    const home = homeOf(parsed.value, { id: wanted.id }, deps.vault);
    if (!home.ok) return stop(home.problem);
    const { compartment } = home.value;
    const found = await deps.store.find(wanted.type, wanted.id, visit.asker);
    if (!found.ok) return stop(found.problem, compartment);
    const inTeam = await standsInCareTeam(visit, compartment, deps);
    if (!inTeam.ok) return stop(inTeam.problem, compartment);
    return put(deps, visit, {
      request,
      action: found.value.rows.length === 0 ? "create" : "update",
      parsed: parsed.value,
      id: wanted.id,
      ifVersion: ifVersion.value,
      home: home.value,
      inCareTeam: inTeam.value,
    });
  };
}

/** `DELETE /fhir/:type/:id`: a last version that says so; what was there stays in the history. */
export function deleteResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  return async (visit) => {
    const about = touch({ action: "delete", compartment: null, ...wanted });
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok) return refused(ifVersion.problem, about);
    const found = await deps.store.find(wanted.type, wanted.id, visit.asker);
    if (!found.ok) return refused(found.problem, about);
    const [row] = found.value.rows;
    if (row === undefined) return refused(problem("not-found"), about);
    const { compartment } = row;
    const { inCareTeam } = found.value;
    const question = { action: "delete", type: wanted.type, compartment, inCareTeam } as const;
    const verdict = visit.decide({ ...question, labels: [] });
    const known = { ...about, compartment, policies: verdict.policies };
    if (!verdict.permitted) return refuseById(visit, verdict.problem, { ...verdict, touch: known });
    const keys = await deps.vault.keys([compartment]);
    if (!keys.ok) return refused(keys.problem, known);
    const key = keys.value.get(compartment);
    if (key === undefined) return refused(problem("key-unavailable"), known);
    const deletion: RowWrite = {
      ...wanted,
      compartment,
      patient: null,
      key,
      ifVersion: ifVersion.value,
      content: { kind: "delete" },
    };
    return writing(request, deletion, { touch: known, publicOrigin: deps.publicOrigin });
  };
}
