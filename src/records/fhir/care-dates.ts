import type { Resource } from "@medplum/fhirtypes";
import type { Bounds } from "#records/fhir/dates.ts";
import { isObject } from "#records/fhir/json-value.ts";
import { searchParameters } from "#records/fhir/search-parameters.ts";
import { stretchesOf } from "#records/fhir/search-values.ts";

/**
 * R4's date parameters that say when care was given, planned or found; the others (when it was
 * issued, created, sent) say when somebody wrote of it and count only where none of these is there.
 */
const ofCare: ReadonlySet<string> = new Set([
  "abatement-date",
  "date",
  "date-of-last-dose",
  "effective",
  "effective-time",
  "occurrence",
  "onset",
  "onset-date",
  "period",
  "performed",
  "service-date",
  "start-date",
  "started",
  "when",
  "whenhandedover",
  "whenprepared",
]);

const ofWriting: ReadonlySet<string> = new Set([
  "asserted-date",
  "authored",
  "authored-on",
  "authoredon",
  "created",
  "issued",
  "received",
  "recorded",
  "recorded-date",
  "sent",
]);

function stretches(resource: Resource, codes: ReadonlySet<string>): readonly Bounds[] {
  if (!isObject(resource)) return [];
  return [...searchParameters(resource.resourceType).values()]
    .filter(({ kind, code }) => kind === "date" && codes.has(code))
    .flatMap(({ read }) => read(resource).flatMap(stretchesOf));
}

/**
 * Whether a resource tells of care within `wanted` (start and end of Patient/$everything). What
 * names no date, such as the Patient or an allergy without onset, belongs to every time.
 */
export function isOfCareTime(resource: Resource, wanted: Bounds): boolean {
  const cared = stretches(resource, ofCare);
  const told = cared.length > 0 ? cared : stretches(resource, ofWriting);
  return told.length === 0 || told.some(({ from, to }) => from <= wanted.to && to >= wanted.from);
}
