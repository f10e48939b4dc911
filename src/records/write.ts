import type { IncomingMessage } from "node:http";
import type { ResourceType } from "#core/ids.ts";
import type { Problem } from "#core/problem.ts";
import { createUnlessThere } from "#records/conditional-write.ts";
import { refused, type Interaction, type Refusal } from "#records/door.ts";
import { parseResource } from "#records/fhir/parse.ts";
import { parseCondition } from "#records/fhir/transaction-target.ts";
import { ifMatchVersion } from "#records/preference.ts";
import { statesRelabelling, withSentProvenance } from "#records/provenance/sent-provenance.ts";
import type { Wanted } from "#records/read.ts";
import { touch } from "#records/visit.ts";
import { writing } from "#records/write-answer.ts";
import { newId, readResourceText } from "#records/write-body.ts";
import { prepareDelete, preparePut, type WriteDeps } from "#records/write-prepare.ts";

/** `POST /fhir/:type`: the server gives the id, whatever the resource says; see createUnlessThere for If-None-Exist. */
export function createResource(
  deps: WriteDeps,
  request: IncomingMessage,
  type: ResourceType,
): Interaction {
  const { publicOrigin } = deps;
  return async (visit) => {
    const stop = (found: Problem): Refusal =>
      refused(found, touch({ action: "create", compartment: null, type }));
    const text = await readResourceText(request, { type, id: null });
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, { type, conformance: deps.conformance() });
    if (!parsed.ok) return stop(parsed.problem);
    const unless = request.headers["if-none-exist"];
    if (unless !== undefined) {
      const query = parseCondition(String(unless));
      return createUnlessThere(deps, visit, { request, parsed: parsed.value, query });
    }
    const put = { method: "POST", parsed: parsed.value, id: newId(deps), ifVersion: null } as const;
    const prepared = await preparePut(deps, visit, put);
    const sent = await withSentProvenance({ deps, visit, request }, prepared, true);
    const beside = { ownVersion: false, also: sent.provenance };
    return writing({ request, publicOrigin }, sent.main, beside);
  };
}

/** `PUT /fhir/:type/:id`: a new version, or the first one of an id that the caller chose. */
export function updateResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  const { publicOrigin } = deps;
  return async (visit) => {
    const stop = (found: Problem): Refusal =>
      refused(found, touch({ action: "update", compartment: null, ...wanted }));
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok) return stop(ifVersion.problem);
    const text = await readResourceText(request, wanted);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, { ...wanted, conformance: deps.conformance() });
    if (!parsed.ok) return stop(parsed.problem);
    const { id } = wanted;
    const put = { method: "PUT", parsed: parsed.value, id, ifVersion: ifVersion.value } as const;
    const relabels = statesRelabelling(request);
    const prepared = await preparePut(deps, visit, { ...put, relabels });
    const sent = await withSentProvenance({ deps, visit, request }, prepared, false);
    const ownVersion = ifVersion.value === null;
    return writing({ request, publicOrigin }, sent.main, { ownVersion, also: sent.provenance });
  };
}

/** `DELETE /fhir/:type/:id`: a last version that says so; what was there stays in the history. */
export function deleteResource(
  deps: WriteDeps,
  request: IncomingMessage,
  wanted: Wanted,
): Interaction {
  const { publicOrigin } = deps;
  return async (visit) => {
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok)
      return refused(ifVersion.problem, touch({ action: "delete", compartment: null, ...wanted }));
    const deletion = { ...wanted, ifVersion: ifVersion.value };
    return writing({ request, publicOrigin }, await prepareDelete(deps, visit, deletion));
  };
}
