import { ok, type Result } from "#core/result.ts";
import type { ResourceId } from "#core/ids.ts";
import type { DeedsDeps } from "#records/deeds.ts";
import { refused, type Chunk, type StreamedInteraction } from "#records/door.ts";
import { listRecord } from "#records/everything/listing-store.ts";
import { pageOf, understandPage, type Page } from "#records/everything/page.ts";
import { walkRecord, type WalkedEntry } from "#records/everything/record-walk.ts";
import { findWhose } from "#records/everything/whose.ts";
import { fhirJson } from "#records/http.ts";
import type { Operation } from "#records/operations/operation.ts";
import { readParameters } from "#records/operations/parameters.ts";
import { touch, type Touch } from "#records/visit.ts";

function entryText({ opened: { row, text }, mode }: WalkedEntry, publicOrigin: string): string {
  const fullUrl = JSON.stringify(`${publicOrigin}/fhir/${row.type}/${row.id}`);
  return `{"fullUrl":${fullUrl},"resource":${text},"search":{"mode":"${mode}"}}`;
}

function bundleHead({ self, next }: Page["links"]): string {
  const links = [{ relation: "self", url: self }];
  if (next !== undefined) links.push({ relation: "next", url: next });
  return `{"resourceType":"Bundle","type":"searchset","link":${JSON.stringify(links)}`;
}

/** The Bundle in pieces, one for each step of the walk; a refusal ends it. */
async function* bundleChunks(
  walk: ReturnType<typeof walkRecord>,
  {
    links,
    publicOrigin,
    asked,
  }: {
    readonly links: Page["links"];
    readonly publicOrigin: string;
    /** What the log is told when there was nothing to show: that is an answer, too. */
    readonly asked: Touch;
  },
): AsyncGenerator<Chunk, void> {
  let before = bundleHead(links);
  let opened = false;
  for await (const step of walk) {
    if (step.kind === "refused") {
      yield step;
      return;
    }
    const { entries, touches } = step;
    if (entries.length === 0) continue;
    const texts = entries.map((entry) => entryText(entry, publicOrigin)).join(",");
    const piece = `${before}${opened ? "," : ',"entry":['}${texts}`;
    yield { kind: "chunk", touches, piece };
    before = "";
    opened = true;
  }
  const touches = opened ? [] : [asked];
  yield { kind: "chunk", touches, piece: `${before}${opened ? "]" : ""}}` };
}

interface EverythingAsked {
  readonly patient: ResourceId;
  readonly query: () => Promise<Result<URLSearchParams>>;
}

/** Patient/[id]/$everything: the record as one long Bundle, or as pages where `_count` asks for them. */
function giveEverything(deps: DeedsDeps, { patient, query }: EverythingAsked): StreamedInteraction {
  return async (visit) => {
    const about = touch({ action: "export", compartment: null, type: "Patient", id: patient });
    const parameters = await query();
    if (!parameters.ok) return refused(parameters.problem, about);
    const understood = await understandPage(deps, visit, { patient, query: parameters.value });
    if (!understood.ok) return refused(understood.problem, about);
    const whose = await findWhose(deps.store, visit, patient);
    if (whose.kind === "refused") return whose;
    const { compartment } = whose;
    const { types, since, care } = understood.value.query;
    const named = { ...about, compartment };
    const others = deps.samePerson.othersOf(compartment).map((chart) => chart.compartment);
    const charts = [compartment, ...others];
    const listed = await listRecord(deps.db, { charts, types, since });
    if (!listed.ok) return refused(listed.problem, named);
    const part = { patient, listed: listed.value, understood: understood.value };
    const page = await pageOf(deps, visit, part);
    if (!page.ok) return refused(page.problem, named);
    const { listed: shown, links } = page.value;
    const walk = walkRecord(deps, visit, { ...whose, listed: shown, types, since, care });
    const { publicOrigin } = deps;
    const empty = { ...named, policies: whose.policies };
    const chunks = bundleChunks(walk, { links, publicOrigin, asked: empty });
    return { kind: "streamed", status: 200, headers: { "content-type": fhirJson }, chunks };
  };
}

/** R4 Patient-everything, on one patient. */
export const everything: Operation = {
  name: "everything",
  definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
  levels: ["instance"],
  types: ["Patient"],
  deed: (deps, { request, method, query }, { id }) => {
    if (id === null || (method !== "GET" && method !== "POST")) return null;
    const asked: EverythingAsked = {
      patient: id,
      query: async () => (method === "GET" ? ok(query) : readParameters(request)),
    };
    return { kind: "guarded", action: "export", interaction: giveEverything(deps, asked) };
  },
};
