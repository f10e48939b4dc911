import type { IncomingMessage } from "node:http";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import { ok, unreachable, type Result } from "#core/result.ts";
import {
  conditionKey,
  conditionOf,
  seek,
  type Condition,
  type Sought,
} from "#records/conditional.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { parseResource, type ParsedResource } from "#records/fhir/parse.ts";
import type { FoundMatch } from "#records/fhir/transaction-target.ts";
import { ifMatchVersion } from "#records/preference.ts";
import { touch, type Touch, type Visit } from "#records/visit.ts";
import { newId, readJsonText } from "#records/write-body.ts";
import { versionAnswer, writing } from "#records/write-answer.ts";
import { homeOf } from "#records/home.ts";
import { prepareDelete, preparePut, type WriteDeps } from "#records/write-prepare.ts";

type Action = "create" | "update" | "delete";

const stopOf =
  (action: Action, type: ResourceType) =>
  (found: Problem): Refusal =>
    refused(found, touch({ action, compartment: null, type }));

/** Waits until nobody else acts on this condition, and keeps others from it to the end of the request. */
export async function holdCondition(
  { turnstile }: Pick<WriteDeps, "turnstile">,
  visit: Visit,
  condition: Condition,
): Promise<Result<null>> {
  const leave = await turnstile.enter([conditionKey(condition)]);
  if (!leave.ok) return leave;
  visit.afterwards(leave.value);
  return ok(null);
}

/** Looks in the record that the resource would belong to, so that none like it is made there meanwhile. */
async function seekAlone(
  deps: WriteDeps,
  visit: Visit,
  { query, parsed, id }: { query: URLSearchParams; parsed: ParsedResource; id: ResourceId },
): Promise<Sought | { readonly kind: "broken"; readonly problem: Problem }> {
  const home = homeOf(parsed, { id }, deps.vault);
  if (!home.ok) return { kind: "broken", problem: home.problem };
  const condition = conditionOf(parsed.type, query, home.value.patient);
  const held = await holdCondition(deps, visit, condition);
  return held.ok ? seek(deps, visit, condition) : { kind: "broken", problem: held.problem };
}

interface Body {
  readonly request: IncomingMessage;
  readonly parsed: ParsedResource;
  readonly query: URLSearchParams;
}

/** `If-None-Exist` (R4 §3.1.0.8.1): what meets the condition already is told instead of made again. */
export async function createUnlessThere(
  deps: WriteDeps,
  visit: Visit,
  { request, parsed, query }: Body,
): Promise<Outcome> {
  const { publicOrigin } = deps;
  const { type } = parsed;
  const id = newId(deps);
  const sought = await seekAlone(deps, visit, { query, parsed, id });
  switch (sought.kind) {
    case "refused":
      return sought;
    case "broken":
      return stopOf("create", type)(sought.problem);
    case "one": {
      const { match, touches } = sought;
      const told = { ...match, done: "found" } as const;
      const answer = versionAnswer({ request, publicOrigin }, { type, id: match.id }, told);
      return { kind: "shown", touches, answer };
    }
    case "none": {
      const put = { method: "POST", parsed, id, ifVersion: null } as const;
      const prepared = await preparePut(deps, visit, put);
      const { touches } = sought;
      return writing({ request, publicOrigin }, prepared, { touches, ownVersion: true });
    }
    default:
      return unreachable(sought);
  }
}

/** The version that must be there: the one that the caller names, or the one that was found. */
const versionOf = (asked: number | null, match: FoundMatch | null): number =>
  asked ?? match?.version ?? 0;

async function updateFound(
  deps: WriteDeps,
  visit: Visit,
  { request, parsed, query, ifVersion }: Body & { readonly ifVersion: number | null },
): Promise<Outcome> {
  const { publicOrigin } = deps;
  const stop = stopOf("update", parsed.type);
  const fresh = parsed.id ?? newId(deps);
  const sought = await seekAlone(deps, visit, { query, parsed, id: fresh });
  if (sought.kind === "refused") return sought;
  if (sought.kind === "broken") return stop(sought.problem);
  const match = sought.kind === "one" ? sought.match : null;
  if (match !== null && parsed.id !== null && parsed.id !== match.id)
    return stop(problem("resource-id-mismatch", { at: `${parsed.type}.id` }));
  const put = { parsed, id: match?.id ?? fresh, ifVersion: versionOf(ifVersion, match) };
  const prepared = await preparePut(deps, visit, { ...put, method: "PUT" });
  const beside = { touches: sought.touches, ownVersion: ifVersion === null };
  return writing({ request, publicOrigin }, prepared, beside);
}

/** `PUT /fhir/:type?…` (R4 §3.1.0.4.3): a new version of what meets the condition, or the first of what nothing met. */
export function updateByCondition(
  deps: WriteDeps,
  request: IncomingMessage,
  { type, query }: { readonly type: ResourceType; readonly query: URLSearchParams },
): Interaction {
  return async (visit) => {
    const stop = stopOf("update", type);
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok) return stop(ifVersion.problem);
    const text = await readJsonText(request);
    if (!text.ok) return stop(text.problem);
    const parsed = parseResource(text.value, { type, conformance: deps.conformance() });
    if (!parsed.ok) return stop(parsed.problem);
    const body = { request, parsed: parsed.value, query, ifVersion: ifVersion.value };
    return updateFound(deps, visit, body);
  };
}

const nothingDeleted = (touches: readonly Touch[]): Outcome => ({
  kind: "shown",
  touches,
  answer: { status: 204, headers: {}, body: null },
});

/** `DELETE /fhir/:type?…` (R4 §3.1.0.7.1), of one resource at most; where nothing meets the condition, nothing is done. */
export function deleteByCondition(
  deps: WriteDeps,
  request: IncomingMessage,
  { type, query }: { readonly type: ResourceType; readonly query: URLSearchParams },
): Interaction {
  return async (visit) => {
    const ifVersion = ifMatchVersion(request.headers);
    if (!ifVersion.ok) return stopOf("delete", type)(ifVersion.problem);
    const sought = await seek(deps, visit, conditionOf(type, query, null));
    if (sought.kind === "refused") return sought;
    const { touches } = sought;
    if (sought.kind === "none") return nothingDeleted(touches);
    const { match } = sought;
    const deletion = { type, id: match.id, ifVersion: versionOf(ifVersion.value, match) };
    const prepared = await prepareDelete(deps, visit, deletion);
    const { publicOrigin } = deps;
    const beside = { touches, ownVersion: ifVersion.value === null };
    return writing({ request, publicOrigin }, prepared, beside);
  };
}
