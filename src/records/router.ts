import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import type { KeyWork } from "#records/key-desk.ts";

/** What an address stands for, whatever the method. */
export type Place =
  | { readonly kind: "metadata" }
  | { readonly kind: "system" }
  | { readonly kind: "type"; readonly type: ResourceType }
  | { readonly kind: "search-form"; readonly type: ResourceType }
  | { readonly kind: "instance"; readonly type: ResourceType; readonly id: ResourceId }
  | { readonly kind: "history"; readonly type: ResourceType; readonly id: ResourceId }
  | {
      readonly kind: "version";
      readonly type: ResourceType;
      readonly id: ResourceId;
      readonly version: number;
    }
  | { readonly kind: "system-history" }
  | { readonly kind: "type-history"; readonly type: ResourceType }
  /** `$name` on the system, on a type, or on one resource. */
  | { readonly kind: "system-operation"; readonly name: string }
  | { readonly kind: "type-operation"; readonly type: ResourceType; readonly name: string }
  | {
      readonly kind: "instance-operation";
      readonly type: ResourceType;
      readonly id: ResourceId;
      readonly name: string;
    }
  | { readonly kind: "access-log" }
  | { readonly kind: "access-requests" }
  | { readonly kind: "chart-decisions" }
  | { readonly kind: "possible-duplicates" }
  | { readonly kind: "access-request"; readonly id: ResourceId }
  | { readonly kind: "emergencies" }
  | { readonly kind: "emergency"; readonly id: ResourceId }
  | { readonly kind: "copies" }
  | { readonly kind: "copy"; readonly id: ResourceId }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "import" }
  | { readonly kind: "fhir-packages" }
  | { readonly kind: "blind-index" }
  | { readonly kind: "keys"; readonly work: KeyWork };

const operationText = /^\$([a-z][a-z0-9-]{0,39})$/;
const versionText = /^[1-9][0-9]{0,8}$/;

/** The name of `$name`; null for any other segment. */
function operationName(segment: string): string | null {
  return operationText.exec(segment)?.[1] ?? null;
}

function systemPlace(segment: string): Place | null {
  if (segment === "metadata") return { kind: "metadata" };
  if (segment === "_history") return { kind: "system-history" };
  const name = operationName(segment);
  return name === null ? null : { kind: "system-operation", name };
}

function typePlace(type: ResourceType, segment: string): Place | null {
  if (segment === "_search") return { kind: "search-form", type };
  if (segment === "_history") return { kind: "type-history", type };
  const name = operationName(segment);
  if (name !== null) return { kind: "type-operation", type, name };
  const id = parseResourceId(segment);
  return id === null ? null : { kind: "instance", type, id };
}

function fhirPlace(segments: readonly string[]): Place | null {
  const [first = "", second, third, fourth] = segments;
  if (segments.length > 4) return null;
  const type = parseResourceType(first);
  if (second === undefined) return type === null ? systemPlace(first) : { kind: "type", type };
  if (type === null) return null;
  if (third === undefined) return typePlace(type, second);
  const id = parseResourceId(second);
  if (id === null) return null;
  const name = operationName(third);
  if (name !== null)
    return fourth === undefined ? { kind: "instance-operation", type, id, name } : null;
  if (third !== "_history") return null;
  if (fourth === undefined) return { kind: "history", type, id };
  return versionText.test(fourth) ? { kind: "version", type, id, version: Number(fourth) } : null;
}

const requestsPath = "/api/records/access-requests";
const copiesPath = "/api/records/exports";
const emergenciesPath = "/api/records/break-glass";

/** What a path below `base` names by its one further segment. */
function idBelow(path: string, base: string): ResourceId | null {
  return path.startsWith(`${base}/`) ? parseResourceId(path.slice(base.length + 1)) : null;
}

/** Null when there is nothing at this path. No id or type needs percent-encoding, so none is decoded. */
export function placeOf(path: string): Place | null {
  if (path === "/fhir" || path === "/fhir/") return { kind: "system" };
  if (path.startsWith("/fhir/")) return fhirPlace(path.slice("/fhir/".length).split("/"));
  const request = idBelow(path, requestsPath);
  if (request !== null) return { kind: "access-request", id: request };
  const copy = idBelow(path, copiesPath);
  if (copy !== null) return { kind: "copy", id: copy };
  const emergency = idBelow(path, emergenciesPath);
  if (emergency !== null) return { kind: "emergency", id: emergency };
  switch (path) {
    case emergenciesPath:
      return { kind: "emergencies" };
    case copiesPath:
      return { kind: "copies" };
    case requestsPath:
      return { kind: "access-requests" };
    case "/api/records/access-log":
      return { kind: "access-log" };
    case "/api/records/chart-decisions":
      return { kind: "chart-decisions" };
    case "/api/records/possible-duplicates":
      return { kind: "possible-duplicates" };
    case "/api/records/log":
      return { kind: "checkpoint" };
    case "/internal/import":
      return { kind: "import" };
    case "/internal/fhir/packages":
      return { kind: "fhir-packages" };
    case "/internal/blind-index/rebuild":
      return { kind: "blind-index" };
    case "/internal/keys/reseal":
      return { kind: "keys", work: "reseal" };
    case "/internal/keys/evict":
      return { kind: "keys", work: "evict" };
    case "/internal/keys/event":
      return { kind: "keys", work: "event" };
    case "/internal/keys/pseudonym":
      return { kind: "keys", work: "pseudonym" };
    case "/internal/keys/honey":
      return { kind: "keys", work: "honey" };
    default:
      return null;
  }
}
