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
  | { readonly kind: "access-log" }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "import" }
  | { readonly kind: "blind-index" }
  | { readonly kind: "keys"; readonly work: KeyWork };

const versionText = /^[1-9][0-9]{0,8}$/;

function fhirPlace(segments: readonly string[]): Place | null {
  const [first = "", second, third, fourth] = segments;
  if (segments.length > 4) return null;
  if (second === undefined && first === "metadata") return { kind: "metadata" };
  const type = parseResourceType(first);
  if (type === null) return null;
  if (second === undefined) return { kind: "type", type };
  if (second === "_search") return third === undefined ? { kind: "search-form", type } : null;
  const id = parseResourceId(second);
  if (id === null) return null;
  if (third === undefined) return { kind: "instance", type, id };
  if (third !== "_history") return null;
  if (fourth === undefined) return { kind: "history", type, id };
  return versionText.test(fourth) ? { kind: "version", type, id, version: Number(fourth) } : null;
}

/** Null when there is nothing at this path. No id or type needs percent-encoding, so none is decoded. */
export function placeOf(path: string): Place | null {
  if (path === "/fhir" || path === "/fhir/") return { kind: "system" };
  if (path.startsWith("/fhir/")) return fhirPlace(path.slice("/fhir/".length).split("/"));
  switch (path) {
    case "/api/records/access-log":
      return { kind: "access-log" };
    case "/api/records/log":
      return { kind: "checkpoint" };
    case "/internal/import":
      return { kind: "import" };
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
