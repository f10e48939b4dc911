import type { Resource } from "@medplum/fhirtypes";
import { toIso, type Instant } from "#core/clock.ts";
import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";
import { scanJson, spliceJson, type ScannedJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { r4Alone, type Conformance } from "#records/fhir/conformance.ts";
import { claimIssues } from "#records/fhir/profiles/claims.ts";
import { resourceSchema } from "#records/fhir/schema.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { asResource, findingsOf, type Finding } from "#records/fhir/validate.ts";

/** A resource that follows R4. `text` is what was sent, to the character; `value` is it, read. */
export interface ParsedResource {
  readonly type: ResourceType;
  readonly id: ResourceId | null;
  readonly text: string;
  readonly scanned: ScannedJson;
  readonly value: Resource;
}

export interface Expected {
  readonly type?: ResourceType;
  /** The id of the address: the resource must carry it, as R4 §3.1.0.4 asks of an update. */
  readonly id?: ResourceId;
  /**
   * What is known beyond R4, for the profiles that a resource claims; without it, R4 alone. Null for
   * a Bundle whose entries are each parsed on their own: their claims are looked at then.
   */
  readonly conformance?: Conformance | null;
}

/** The name as a resource type that R4 has; null for anything else. */
export function knownResourceType(name: string): ResourceType | null {
  return resourceSchema(name) === null ? null : parseResourceType(name);
}

/**
 * Reads and checks one resource: JSON (RFC 8259, depth, no key twice), type, id, then R4, then the
 * profiles that it claims.
 * Fails with json-broken, json-too-deep, json-duplicate-key, resource-type-unknown,
 * resource-type-mismatch, resource-id-mismatch or resource-invalid; the last names each element
 * in `at` and `also`. No value of the resource is repeated in a problem.
 */
export function parseResource(text: string, expected: Expected): Result<ParsedResource> {
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return refuse("resource-invalid", { detail: "must be a JSON object" });
  const named = value.resourceType;
  if (typeof named !== "string")
    return refuse("resource-invalid", { at: "resourceType", detail: "is required" });
  const schema = resourceSchema(named);
  const type = parseResourceType(named);
  if (schema === null || type === null) return refuse("resource-type-unknown");
  if (expected.type !== undefined && expected.type !== type)
    return refuse("resource-type-mismatch", { at: "resourceType" });
  const id = typeof value.id === "string" ? parseResourceId(value.id) : null;
  if (expected.id !== undefined && expected.id !== id)
    return refuse("resource-id-mismatch", { at: `${type}.id` });
  const [first, ...also] = findingsOf(value, schema);
  if (first !== undefined) return invalid(first, also);
  const { conformance = r4Alone } = expected;
  const issues = conformance === null ? [] : claimIssues(value, text, conformance);
  const [unmet, ...others] = issues.filter(({ severity }) => severity === "error");
  if (unmet !== undefined) return invalid(unmet, others);
  return ok({ type, id, text, scanned: scanned.value, value: asResource(value) });
}

function invalid({ at, detail }: Finding, others: readonly Finding[]): Result<never> {
  const also = others.map((each) => ({ at: each.at, detail: each.detail }));
  return refuse("resource-invalid", { at, detail, ...(also.length === 0 ? {} : { also }) });
}

export interface Placed {
  readonly id: ResourceId;
  readonly versionId: number;
  readonly lastUpdated: Instant;
}

type Spliceable = Pick<ParsedResource, "text" | "scanned">;

function splicedMeta(
  { text, scanned }: Spliceable,
  id: ResourceId,
  own: Readonly<Record<"versionId" | "lastUpdated", string>>,
): string {
  const sent = scanned.topLevel.get("meta");
  const sentMeta = sent === undefined ? "{}" : text.slice(sent.start, sent.end);
  const scannedMeta = scanJson(sentMeta, limits.jsonDepth);
  // The text was scanned as a whole, so a part of it cannot fail.
  const meta = scannedMeta.ok ? spliceJson(sentMeta, scannedMeta.value, own) : sentMeta;
  return spliceJson(text, scanned, { id: JSON.stringify(id), meta });
}

/**
 * The resource's text with `id`, `meta.versionId` and `meta.lastUpdated` set, as R4 §3.1.0.4 has
 * the server do; what else meta holds, and every other character, stays as it was sent.
 */
export function withMeta(parsed: Spliceable, placed: Placed): string {
  return splicedMeta(parsed, placed.id, {
    versionId: JSON.stringify(String(placed.versionId)),
    lastUpdated: JSON.stringify(toIso(placed.lastUpdated)),
  });
}

/**
 * What a resource says, whichever version of it this is: the same text for one as it was sent and
 * as it is stored, so that equal contents can be known by their MAC under a new key, too.
 */
export function contentText(parsed: Spliceable, id: ResourceId): string {
  return splicedMeta(parsed, id, { versionId: "null", lastUpdated: "null" });
}
