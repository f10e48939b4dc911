import type { ResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { problem, refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { refused, type Interaction } from "#records/door.ts";
import { searchsetBundle } from "#records/fhir/bundle.ts";
import { lastOfEach } from "#records/fhir/last-of-each.ts";
import { parseSearch, type SearchPlan } from "#records/fhir/search.ts";
import { fhirAnswer } from "#records/http.ts";
import type { Operation } from "#records/operations/operation.ts";
import { readParameters } from "#records/operations/parameters.ts";
import { refuseUnopened } from "#records/read.ts";
import { createFind, type SearchDeps } from "#records/search-matches.ts";
import { inSearchOrder, touchesOf } from "#records/search-page.ts";
import { bytesOfSeen, shownLimits, wholeOf } from "#records/shown-whole.ts";
import { addressOf, searchOptions, shapedBy } from "#records/search.ts";
import { touch, type Visit } from "#records/visit.ts";

interface LastAsked {
  readonly plan: SearchPlan;
  /** Observations of each code. */
  readonly most: number;
}

const kinds = new Set(["category", "code", "combo-code", "component-code"]);
const answerNames = new Set(["_format", "_pretty", "_elements", "_summary"]);

function parseMax(query: URLSearchParams): Result<number> {
  const text = query.get("max") ?? "1";
  const most = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : null;
  return most === null || query.getAll("max").length > 1
    ? refuse("parameter-invalid", { at: "max", detail: "is not a number from 1 to 9999" })
    : ok(most);
}

/** R4 Observation-lastn asks for the subject and for a category or code; the order is its own. */
function understand(
  deps: SearchDeps,
  visit: Visit,
  type: ResourceType,
  query: URLSearchParams,
): Result<LastAsked> {
  const most = parseMax(query);
  if (!most.ok) return most;
  const asked = new URLSearchParams([...query].filter(([name]) => name !== "max"));
  const names = [...asked.keys()];
  const odd = names.find((name) => name.startsWith("_") && !answerNames.has(name));
  if (odd !== undefined)
    return refuse("parameter-unknown", {
      detail: "$lastn takes no other parameter of the answer.",
    });
  if (!names.some((name) => kinds.has(name.split(":", 1)[0] ?? name)))
    return refuse("parameter-invalid", { at: "category", detail: "or code is needed here" });
  asked.append("_sort", "-date");
  const plan = parseSearch(type, asked, searchOptions(deps, visit));
  if (!plan.ok) return plan;
  return plan.value.patient === null
    ? refuse("parameter-invalid", { at: "patient", detail: "is needed here" })
    : ok({ plan: plan.value, most: most.value });
}

/** The newest Observations of each code that a search of one patient's finds, in one page. */
function giveLast(
  deps: SearchDeps,
  type: ResourceType,
  query: () => Promise<Result<URLSearchParams>>,
): Interaction {
  return async (visit) => {
    const about = touch({ action: "search", compartment: null, type });
    const parameters = await query();
    if (!parameters.ok) return refused(parameters.problem, about);
    const asked = understand(deps, visit, type, parameters.value);
    if (!asked.ok) return refused(asked.problem, about);
    const { plan, most } = asked.value;
    const found = await createFind(deps, visit)(plan, null);
    if (found.kind === "refused") return found;
    const matches = lastOfEach(inSearchOrder(plan, found.matches), ({ value }) => value, most);
    if (matches.length > limits.searchPageMax || bytesOfSeen(matches) > shownLimits.pageBytes)
      return refused(problem("too-costly", { at: "max" }), about);
    const shown = await wholeOf(matches, deps, visit);
    if (!shown.ok) return refuseUnopened(shown, about);
    const base = `${deps.publicOrigin}/fhir/${type}/$lastn`;
    const used = plan.used.filter(([name]) => name !== "_sort");
    const bundle = searchsetBundle({
      publicOrigin: deps.publicOrigin,
      links: { self: addressOf(base, [...used, ["max", String(most)]]) },
      total: matches.length,
      shredded: found.shredded.size,
      entries: shown.value.map((each) => ({ mode: "match", resource: shapedBy(plan.shape, each) })),
    });
    const page = { matches, total: matches.length, isLast: true };
    const touches = touchesOf(plan, found, { page, included: [] });
    return { kind: "shown", touches, answer: fhirAnswer(200, bundle) };
  };
}

/** R4 Observation-lastn. */
export const lastN: Operation = {
  name: "lastn",
  definition: "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
  levels: ["type"],
  types: ["Observation"],
  deed: (deps, { request, method, query }, { type }) => {
    if (type === null || (method !== "GET" && method !== "POST")) return null;
    const asked = async (): Promise<Result<URLSearchParams>> =>
      method === "GET" ? ok(query) : readParameters(request);
    return { kind: "guarded", action: "search", interaction: giveLast(deps, type, asked) };
  },
};
