import type { Resource } from "@medplum/fhirtypes";
import { scanJson, spliceJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { invariant } from "#core/result.ts";
import { labelsOf, securityCodingOf, securityLabel } from "#records/fhir/categories.ts";
import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import type { ParsedResource } from "#records/fhir/parse.ts";

/** What a resource's meta.security holds, as a Coding each. */
export function securityOf(value: Resource): readonly JsonObject[] {
  return (value.meta?.security ?? []).flatMap((coding) => (isObject(coding) ? [coding] : []));
}

const nameOf = ({ system, code }: JsonObject): string => JSON.stringify([system, code]);

/** The codings that a new version lacks, so that it would show more openly than what stood there. */
function missingFrom(value: Resource, before: Resource): readonly JsonObject[] {
  const has = new Set(securityOf(value).map(nameOf));
  const stated = securityOf(before).filter((coding) => !has.has(nameOf(coding)));
  const labels = new Set([...labelsOf(value), ...stated.map(securityLabel)]);
  const implied = labelsOf(before).filter((label) => !labels.has(label));
  return [...stated, ...implied.map(securityCodingOf)];
}

function withSecurity(parsed: ParsedResource, security: readonly JsonObject[]): ParsedResource {
  const { text, value, scanned } = parsed;
  const sent = scanned.topLevel.get("meta");
  const meta = sent === undefined ? "{}" : text.slice(sent.start, sent.end);
  const scannedMeta = scanJson(meta, limits.jsonDepth);
  invariant(scannedMeta.ok, "a part of a scanned text can be scanned");
  const changed = spliceJson(text, scanned, {
    meta: spliceJson(meta, scannedMeta.value, { security: JSON.stringify(security) }),
  });
  const rescanned = scanJson(changed, limits.jsonDepth + 2);
  invariant(rescanned.ok, "a spliced text can be scanned");
  const labelled = { ...value, meta: { ...value.meta, security: [...security] } };
  return { ...parsed, text: changed, scanned: rescanned.value, value: labelled };
}

/**
 * The new version with every security label of the one before: those that it stated, and those that
 * its codes implied. What was sent stays as it is, to the character, where nothing is missing.
 */
export function carryLabels(parsed: ParsedResource, before: Resource): ParsedResource {
  const missing = missingFrom(parsed.value, before);
  if (missing.length === 0) return parsed;
  return withSecurity(parsed, [...securityOf(parsed.value), ...missing]);
}

/** The sensitivity labels of `before` that `value` has no more. */
export function labelsLost(value: Resource, before: Resource): readonly string[] {
  const kept = new Set(labelsOf(value));
  return labelsOf(before).filter((label) => !kept.has(label));
}
