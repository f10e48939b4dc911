import type { ResourceId, ResourceType } from "#core/ids.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import { refused, type Interaction, type Outcome, type Refusal } from "#records/door.ts";
import { categoriesOf, labelsOf } from "#records/fhir/categories.ts";
import { fhirAnswer } from "#records/http.ts";
import { decideOpened, refuseById } from "#records/read.ts";
import type { Upstream } from "#records/upstream/client.ts";
import { preparePlace, type PlaceDeps } from "#records/upstream/place.ts";
import {
  lastUpdatedOf,
  readAnswered,
  versionOf,
  type AnsweredResource,
} from "#records/upstream/resource.ts";
import { isWorkforce, touch, type Touch, type Visit } from "#records/visit.ts";

export interface UpstreamReadDeps extends PlaceDeps {
  readonly upstream: Upstream;
  readonly publicOrigin: string;
}

/** Name of the signal that goes with an answer to another question than was asked. */
export const misansweredSignal = "upstream-misanswered";

interface Wanted {
  readonly type: ResourceType;
  readonly id: ResourceId;
  /** Null for the newest. */
  readonly version: number | null;
}

const misanswers: ReadonlySet<string> = new Set(["resource-type-mismatch", "resource-id-mismatch"]);

/**
 * The refusal of an answer that nobody can be shown. Whose it is, is not known, so that a patient
 * learns no more than of a record that never was; the log tells why.
 */
function refuseUnusable(visit: Visit, found: Problem, asked: Touch): Refusal {
  const isAnother = misanswers.has(found.code);
  const told = isWorkforce(visit.caller) ? "upstream-refused" : "not-found";
  return {
    kind: "refused",
    problem: problem(told),
    decision: "error",
    reasons: ["upstream-refused", found.code, ...(found.at === undefined ? [] : [found.at])],
    touch: asked,
    ...(isAnother ? { signal: misansweredSignal } : {}),
  };
}

const tagText = /^[A-Za-z0-9.-]{1,64}$/;

function headersOf(answered: AnsweredResource): Record<string, string> {
  const { versionId } = answered.parsed.value.meta ?? {};
  const updated = lastUpdatedOf(answered);
  return {
    ...(versionId !== undefined && tagText.test(versionId) ? { etag: `W/"${versionId}"` } : {}),
    ...(updated === null ? {} : { "last-modified": new Date(updated).toUTCString() }),
  };
}

/** Decides on what was answered, by its owner and by all the labels that show in it. */
async function show(
  deps: UpstreamReadDeps,
  visit: Visit,
  answered: AnsweredResource,
  asked: Touch,
): Promise<Outcome> {
  const place = await preparePlace(answered.owner, visit, deps);
  if (!place.ok) return refused(place.problem, asked);
  const { value, type, text } = answered.parsed;
  const kinds = { labels: labelsOf(value), categories: categoriesOf(value) };
  const about: Touch = { ...asked, compartment: place.value.compartment };
  const question = { action: "read", type, ...place.value, content: [value] } as const;
  const verdict = decideOpened(visit, question, [kinds]);
  if (!verdict.permitted) return refuseById(visit, verdict.problem, { ...verdict, touch: about });
  const touched: Touch = {
    ...about,
    version: versionOf(answered),
    categories: kinds.categories,
    count: 1,
    policies: verdict.policies,
  };
  const answer = fhirAnswer(200, text, headersOf(answered));
  return { kind: "shown", touches: [touched], answer };
}

function fetchOf({ upstream }: UpstreamReadDeps, wanted: Wanted): Promise<Result<string>> {
  const { type, id, version } = wanted;
  return version === null ? upstream.read(type, id) : upstream.version(type, id, version);
}

/**
 * `GET /fhir/:type/:id` and `…/_history/:vid` of the server behind. Its answer is in memory before it
 * is decided, as only the answer tells whose record it is of; nobody has it before that, and before
 * the log has it.
 */
export function readUpstream(deps: UpstreamReadDeps, wanted: Wanted): Interaction {
  return async (visit) => {
    const { type, id, version } = wanted;
    const action = version === null ? "read" : "vread";
    const asked = touch({ action, compartment: null, type, id });
    const answer = await fetchOf(deps, wanted);
    if (!answer.ok) return refused(answer.problem, asked);
    const addresses = { base: deps.upstream.base, publicOrigin: deps.publicOrigin };
    const answered = readAnswered(answer.value, addresses, { type, id });
    if (!answered.ok) return refuseUnusable(visit, answered.problem, asked);
    if (version !== null && versionOf(answered.value) !== version)
      return refuseUnusable(
        visit,
        problem("resource-id-mismatch", { at: "meta.versionId" }),
        asked,
      );
    return show(deps, visit, answered.value, asked);
  };
}
