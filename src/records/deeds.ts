import type { ResourceType } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import { failed, ok, unreachable, type Result } from "#core/result.ts";
import { readAccessLog, type AccessLogDeps } from "#records/access-log.ts";
import {
  actOnRequest,
  askForAccess,
  listRequests,
  type AccessDeskDeps,
} from "#records/access-requests/desk.ts";
import type { AuditViewDeps } from "#records/audit-view/audit-view.ts";
import { auditViewDeed } from "#records/audit-view/view-deed.ts";
import {
  actOnOpening,
  openInEmergency,
  type EmergencyDeskDeps,
} from "#records/break-glass/desk.ts";
import { listOpenings } from "#records/break-glass/queue.ts";
import { answerRebuild, type BlindDeskDeps } from "#records/blind/desk.ts";
import { contentOf, wantsContent } from "#records/binary/raw-content.ts";
import { performBundle } from "#records/bundle.ts";
import { isStorable } from "#records/fhir/compartment.ts";
import type { Conformance, CurrentConformance } from "#records/fhir/conformance.ts";
import { knownResourceType } from "#records/fhir/parse.ts";
import { fetchCopy } from "#records/exports/fetch.ts";
import { createCopyMaker } from "#records/exports/make.ts";
import { fhirAnswer, type Answer } from "#records/http.ts";
import { deleteByCondition, updateByCondition } from "#records/conditional-write.ts";
import { importRecords } from "#records/import.ts";
import type { ImportDeps } from "#records/import-batch.ts";
import { answerKeyWork, type KeyDeskDeps } from "#records/key-desk.ts";
import { decideOnCharts } from "#records/matching/decide.ts";
import { listDuplicates } from "#records/matching/duplicates.ts";
import { listStanding } from "#records/matching/standing.ts";
import type { CalledOn } from "#records/operations/operation.ts";
import { operationAt } from "#records/operations/operations.ts";
import { installPackage, type PackageDeskDeps } from "#records/packages/desk.ts";
import { patchByCondition, patchResource } from "#records/patch.ts";
import { heldOf, prefersLenient } from "#records/preference.ts";
import { sentProvenance } from "#records/provenance/sent-provenance.ts";
import { isDerived, readDerived } from "#records/provenance/derived.ts";
import { readHistory, readResource, readVersion, type Wanted } from "#records/read.ts";
import { searchByForm, searchResources } from "#records/search.ts";
import type { Asked, Deed } from "#records/server.ts";
import { readWideHistory } from "#records/wide-history.ts";
import { createResource, deleteResource, updateResource } from "#records/write.ts";
import type { WriteDeps } from "#records/write-prepare.ts";
import type { Database } from "#storage/database.ts";

export interface DeedsDeps
  extends
    WriteDeps,
    ImportDeps,
    AccessLogDeps,
    AccessDeskDeps,
    EmergencyDeskDeps,
    AuditViewDeps,
    KeyDeskDeps,
    BlindDeskDeps,
    PackageDeskDeps {
  readonly db: Database;
  /** Installed packages: profiles, value sets, further search parameters. */
  readonly conformance: CurrentConformance;
  /** The CapabilityStatement with these packages installed, as JSON. */
  readonly capability: (conformance: Conformance) => string;
  /** The log's newest signed checkpoint, as text. */
  readonly checkpoint: () => Promise<Result<string>>;
}

type DeedOf = (asked: Asked) => Deed | null;

const guarded = (
  action: Extract<Deed, { kind: "guarded" }>["action"],
  interaction: Extract<Deed, { kind: "guarded" }>["interaction"],
): Deed => ({ kind: "guarded", action, interaction });

function typeDeed(
  deps: DeedsDeps,
  { request, method, query }: Asked,
  type: ResourceType,
): Deed | null {
  switch (method) {
    case "GET": {
      const lenient = prefersLenient(request.headers);
      return guarded("search", searchResources(deps, { type, query, lenient }));
    }
    case "POST":
      return guarded("create", createResource(deps, request, type));
    case "PUT":
      return guarded("update", updateByCondition(deps, request, { type, query }));
    case "PATCH":
      return guarded("update", patchByCondition(deps, request, { type, query }));
    case "DELETE":
      return guarded("delete", deleteByCondition(deps, request, { type, query }));
    default:
      return null;
  }
}

/** A Binary is read as the content that it holds, unless the caller asks for the resource. */
function readDeed(deps: DeedsDeps, { request, query }: Asked, wanted: Wanted): Deed {
  const reading = readResource(deps, wanted, heldOf(request.headers));
  if ((wanted.type as string) !== "Binary" || !wantsContent(request, query))
    return guarded("read", reading);
  const interaction = contentOf(reading, request);
  return { kind: "guarded", action: "read", interaction, anyKind: true };
}

function instanceDeed(deps: DeedsDeps, asked: Asked, wanted: Wanted): Deed | null {
  const { request, method } = asked;
  switch (method) {
    case "GET":
      return readDeed(deps, asked, wanted);
    case "PUT":
      return guarded("update", updateResource(deps, request, wanted));
    case "PATCH":
      return guarded("update", patchResource(deps, request, wanted));
    case "DELETE":
      return guarded("delete", deleteResource(deps, request, wanted));
    default:
      return null;
  }
}

async function checkpointAnswer({ checkpoint }: DeedsDeps): Promise<Result<Answer>> {
  const newest = await checkpoint();
  return newest.ok
    ? ok({
        status: 200,
        headers: { "content-type": "text/plain; charset=utf-8" },
        body: newest.value,
      })
    : newest;
}

function accessDeed(deps: DeedsDeps, { request, method, query }: Asked): Deed | null {
  switch (method) {
    case "GET":
      return guarded("access-request", listRequests(deps, query));
    case "POST":
      return guarded("access-request", askForAccess(deps, request));
    default:
      return null;
  }
}

function emergencyDeed(deps: DeedsDeps, { request, method, query }: Asked): Deed | null {
  switch (method) {
    case "GET":
      return guarded("break-glass", listOpenings(deps, query));
    case "POST":
      return guarded("break-glass", openInEmergency(deps, request));
    default:
      return null;
  }
}

/** `$name`, wherever it was called. */
function operationDeed(deps: DeedsDeps, asked: Asked, name: string, on: CalledOn): Deed | null {
  const operation = operationAt(name, on);
  if (operation !== null) return operation.deed(deps, asked, on);
  const unknown = failed(problem("not-found", { detail: "There is no such operation here." }));
  return { kind: "public", answer: () => unknown };
}

function chartDecisionDeed(deps: DeedsDeps, { request, method }: Asked): Deed | null {
  switch (method) {
    case "GET":
      return guarded("match", listStanding(deps));
    case "POST":
      return guarded("merge", decideOnCharts(deps, request));
    default:
      return null;
  }
}

const only = (method: string, asked: Asked, deed: () => Deed): Deed | null =>
  asked.method === method ? deed() : null;

const isServed = (type: string): boolean => knownResourceType(type) !== null && isStorable(type);

/** To leave out what was sent to be written would be to lose it. */
function refusesProvenance({ request, place, method }: Asked): boolean {
  if (sentProvenance(request) === null || method === "GET") return false;
  if (place.kind === "type" && method === "POST")
    return request.headers["if-none-exist"] !== undefined;
  return !(place.kind === "instance" && method === "PUT");
}

/** What each place of the router does, by method. Types that R4 has not, or that cannot be stored, do nothing. */
export function createDeeds(deps: DeedsDeps): DeedOf {
  const makeCopy = createCopyMaker(deps);
  return (asked) => {
    const { place, request, query } = asked;
    if ("type" in place && !isServed(place.type)) {
      const unknown = failed(problem("resource-type-unknown"));
      return { kind: "public", answer: () => unknown };
    }
    if (refusesProvenance(asked)) {
      const detail = "It is taken with POST and PUT of one resource, without a condition.";
      const refusal = failed(problem("parameter-unknown", { at: "X-Provenance", detail }));
      return { kind: "public", answer: () => refusal };
    }
    if ("type" in place && place.type === "AuditEvent") return auditViewDeed(deps, asked);
    if (place.kind === "instance" && isDerived(place))
      return only("GET", asked, () => guarded("read", readDerived(deps, place)));
    switch (place.kind) {
      case "metadata":
        return only("GET", asked, () => ({
          kind: "public",
          answer: () => ok(fhirAnswer(200, deps.capability(deps.conformance()))),
        }));
      case "checkpoint":
        return only("GET", asked, () => ({
          kind: "public",
          answer: () => checkpointAnswer(deps),
        }));
      case "import":
        return only("POST", asked, () => ({
          kind: "operator",
          action: "import",
          answer: () => importRecords(deps, request),
        }));
      case "keys":
        return only("POST", asked, () => ({
          kind: "operator",
          action: "key-reseal",
          answer: () => answerKeyWork(deps, request, place.work),
        }));
      case "blind-index":
        return only("POST", asked, () => ({
          kind: "operator",
          action: "key-reindex",
          answer: () => answerRebuild(deps, request),
        }));
      case "fhir-packages":
        return only("POST", asked, () => ({
          kind: "operator",
          action: "package-install",
          answer: () => installPackage(deps, request),
        }));
      case "access-requests":
        return accessDeed(deps, asked);
      case "access-request":
        return only("POST", asked, () =>
          guarded("access-request", actOnRequest(deps, request, place.id)),
        );
      case "emergencies":
        return emergencyDeed(deps, asked);
      case "emergency":
        return only("POST", asked, () =>
          guarded("break-glass", actOnOpening(deps, request, place.id)),
        );
      case "copies":
        return only("POST", asked, () => guarded("export", makeCopy(request)));
      case "copy":
        return only("GET", asked, () => {
          const { range } = request.headers;
          return guarded("export", fetchCopy(deps, { id: place.id, range }));
        });
      case "possible-duplicates":
        return only("GET", asked, () => guarded("match", listDuplicates(deps, query)));
      case "chart-decisions":
        return chartDecisionDeed(deps, asked);
      case "access-log":
        return only("GET", asked, () => guarded("access-log", readAccessLog(deps, query)));
      case "system":
        return only("POST", asked, () => guarded("transaction", performBundle(deps, request)));
      case "type":
        return typeDeed(deps, asked, place.type);
      case "search-form":
        return only("POST", asked, () => {
          const lenient = prefersLenient(request.headers);
          const { type } = place;
          return guarded("search", searchByForm(deps, request, { type, query, lenient }));
        });
      case "instance":
        return instanceDeed(deps, asked, place);
      case "system-history":
        return only("GET", asked, () =>
          guarded("history", readWideHistory(deps, { type: null, query })),
        );
      case "type-history":
        return only("GET", asked, () =>
          guarded("history", readWideHistory(deps, { type: place.type, query })),
        );
      case "history":
        return only("GET", asked, () => guarded("history", readHistory(deps, place)));
      case "version":
        return only("GET", asked, () => guarded("vread", readVersion(deps, place, place.version)));
      case "system-operation":
        return operationDeed(deps, asked, place.name, { type: null, id: null });
      case "type-operation":
        return operationDeed(deps, asked, place.name, { type: place.type, id: null });
      case "instance-operation":
        return operationDeed(deps, asked, place.name, place);
      default:
        return unreachable(place);
    }
  };
}
