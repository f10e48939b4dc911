import type { CapabilityStatement } from "@medplum/fhirtypes";
import type { ResourceType } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { unreachable, type Result } from "#core/result.ts";
import { isStorable } from "#records/fhir/compartment.ts";
import { knownResourceType } from "#records/fhir/parse.ts";
import { prefersLenient } from "#records/preference.ts";
import { askedByForm } from "#records/search.ts";
import type { Asked, Deed } from "#records/server.ts";
import { readUpstream } from "#records/upstream/read.ts";
import { searchUpstream, type UpstreamSearchDeps } from "#records/upstream/search.ts";

type DeedOf = (asked: Asked) => Deed | null;

const refusing = (problem: () => Result<never>): Deed => ({ kind: "public", answer: problem });
const notOffered = (): Deed => refusing(() => refuse("upstream-unsupported"));

/** A Binary says by what it points to whose it is, which would have to be asked for first. */
const isServed = (type: string): boolean =>
  knownResourceType(type) !== null && isStorable(type) && type !== "Binary";

function searchDeed(deps: UpstreamSearchDeps, asked: Asked, type: ResourceType): Deed {
  const { request, place, query } = asked;
  const lenient = prefersLenient(request.headers);
  const search = (with_: URLSearchParams) => searchUpstream(deps, { type, query: with_, lenient });
  const interaction =
    place.kind === "search-form" ? askedByForm(request, { type, query }, search) : search(query);
  return { kind: "guarded", action: "search", interaction };
}

/**
 * What each place does in front of another FHIR server: reading and searching go there, the log and
 * what is the deployment's own stay here, and nothing else is offered. Nothing is written: a write
 * there could not be one transaction with its entry in the log.
 */
export function createUpstreamDeeds(deps: UpstreamSearchDeps, local: DeedOf): DeedOf {
  return (asked) => {
    const { place, method } = asked;
    if ("type" in place && place.type === "AuditEvent") return local(asked);
    if ("type" in place && !isServed(place.type))
      return refusing(() => refuse("resource-type-unknown"));
    switch (place.kind) {
      case "type":
        return method === "GET" ? searchDeed(deps, asked, place.type) : notOffered();
      case "search-form":
        return method === "POST" ? searchDeed(deps, asked, place.type) : null;
      case "instance": {
        const interaction = readUpstream(deps, { ...place, version: null });
        return method === "GET" ? { kind: "guarded", action: "read", interaction } : notOffered();
      }
      case "version":
        return method === "GET"
          ? { kind: "guarded", action: "vread", interaction: readUpstream(deps, place) }
          : null;
      case "metadata":
      case "checkpoint":
      case "access-log":
      case "import":
      case "keys":
      case "blind-index":
      case "fhir-packages":
        return local(asked);
      case "system":
      case "history":
      case "type-history":
      case "system-history":
      case "system-operation":
      case "type-operation":
      case "instance-operation":
      case "access-requests":
      case "access-request":
      case "emergencies":
      case "emergency":
      case "copies":
      case "copy":
      case "chart-decisions":
      case "possible-duplicates":
        return notOffered();
      default:
        return unreachable(place);
    }
  };
}

/** The CapabilityStatement of the whole server, less what is not offered in front of another. */
export function upstreamCapability(whole: CapabilityStatement): CapabilityStatement {
  const offered = ["read", "vread", "search-type"] as const;
  return {
    ...whole,
    rest: (whole.rest ?? []).map(({ mode, security, resource = [] }) => ({
      mode,
      ...(security === undefined ? {} : { security }),
      resource: resource
        .filter(({ type }) => isServed(type))
        .map(({ type, searchParam, interaction }) => ({
          type,
          interaction:
            (type === "AuditEvent" ? interaction : undefined) ?? offered.map((code) => ({ code })),
          ...(searchParam === undefined ? {} : { searchParam }),
        })),
    })),
  };
}
