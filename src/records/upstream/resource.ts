import { parseInstant, type Instant } from "#core/clock.ts";
import { scanJson } from "#core/json.ts";
import type { ResourceId, ResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { compartmentOf, type Owner } from "#records/fhir/compartment.ts";
import { replaceStrings } from "#records/fhir/json-text.ts";
import { parseResource, type ParsedResource } from "#records/fhir/parse.ts";
import { parseReference } from "#records/fhir/references.ts";
import type { OpenedRow } from "#records/opening.ts";
import type { UpstreamBase } from "#records/upstream/settings.ts";
import type { Compartment } from "#vault/vault.ts";

/** A resource of another server that follows R4, and whose record it is part of. */
export interface AnsweredResource {
  readonly parsed: ParsedResource & { readonly id: ResourceId };
  readonly owner: Owner;
}

/** Whose addresses stand in answers, and whose must not. */
export interface Addresses {
  readonly base: UpstreamBase;
  readonly publicOrigin: string;
}

/** A text with the other server's addresses made ours; a literal reference becomes `Type/id`. */
function withOurAddresses(text: string, { base, publicOrigin }: Addresses): string {
  const theirs = base.origin + base.path;
  return replaceStrings(text, null, (value, key) => {
    if (!value.includes(base.origin)) return null;
    const rest = value.startsWith(`${theirs}/`) ? value.slice(theirs.length + 1) : null;
    if (key === "reference" && rest !== null && parseReference(rest) !== null) return rest;
    return value.replaceAll(theirs, `${publicOrigin}/fhir`).replaceAll(base.origin, publicOrigin);
  });
}

/**
 * Reads one resource of an answer: with no address of the other server in it, checked against R4,
 * its owner known. Fails as parseResource and compartmentOf do; a profile that it claims is not
 * looked at, as nobody is about to store it.
 */
export function readAnswered(
  text: string,
  addresses: Addresses,
  expected: { readonly type?: ResourceType; readonly id?: ResourceId } = {},
): Result<AnsweredResource> {
  const scanned = scanJson(text, limits.jsonDepth);
  if (!scanned.ok) return scanned;
  const ours = withOurAddresses(text, addresses);
  const parsed = parseResource(ours, { ...expected, conformance: null });
  if (!parsed.ok) return parsed;
  const { id } = parsed.value;
  if (id === null) return refuse("resource-invalid", { at: `${parsed.value.type}.id` });
  const owner = compartmentOf(parsed.value.value);
  return owner.ok ? ok({ parsed: { ...parsed.value, id }, owner: owner.value }) : owner;
}

const epoch = parseInstant(0);
const versionNumber = /^[1-9][0-9]{0,8}$/;

/** The version of a resource that says a number; null for any other, as R4 lets it be any text. */
export function versionOf({ parsed }: AnsweredResource): number | null {
  const { versionId } = parsed.value.meta ?? {};
  return versionId !== undefined && versionNumber.test(versionId) ? Number(versionId) : null;
}

export function lastUpdatedOf({ parsed }: AnsweredResource): Instant | null {
  const { lastUpdated } = parsed.value.meta ?? {};
  const ms = lastUpdated === undefined ? Number.NaN : Date.parse(lastUpdated);
  return Number.isNaN(ms) ? null : parseInstant(ms);
}

/** As if it were a row that was opened: it is decided, shown and logged as any resource. */
export function asOpened(answered: AnsweredResource, compartment: Compartment): OpenedRow {
  const { type, id, text, value } = answered.parsed;
  invariant(epoch !== null, "the epoch is an instant");
  const row = {
    type,
    id,
    compartment,
    version: versionOf(answered) ?? 0,
    lastUpdated: lastUpdatedOf(answered) ?? epoch,
    deleted: false,
    dekVersion: 0,
    sealed: Buffer.alloc(0),
  };
  return { row, text, value, isHoney: false };
}
