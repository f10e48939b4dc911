import { parseInstant, type Instant } from "#core/clock.ts";
import { parseResourceType } from "#core/ids.ts";
import { limits } from "#core/limits.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import { isStorable } from "#records/fhir/compartment.ts";
import { boundsOf, type Bounds } from "#records/fhir/dates.ts";
import { knownResourceType } from "#records/fhir/parse.ts";

/** The parameters of Patient/$everything (R4 OperationDefinition Patient-everything). */
export interface EverythingQuery {
  readonly care: Bounds | null;
  readonly since: Instant | null;
  readonly types: readonly string[] | null;
  /** Resources of the record on one page; null when all come at once. */
  readonly count: number | null;
}

const known = ["start", "end", "_since", "_type", "_count"] as const;
type Name = (typeof known)[number];
/** How the answer is written, not what is in it. */
const ofForm = new Set(["_format", "_pretty"]);
const countText = /^[1-9][0-9]{0,8}$/;

const invalid = (at: string, detail: string): ReturnType<typeof refuse> =>
  refuse("parameter-invalid", { at, detail });

function only(query: URLSearchParams): Result<ReadonlyMap<Name, string>> {
  const found = new Map<Name, string>();
  for (const [name, value] of query) {
    const wanted = known.find((each) => each === name);
    if (wanted === undefined && ofForm.has(name)) continue;
    if (wanted === undefined) return refuse("parameter-unknown", { at: name });
    const before = found.get(wanted);
    if (before !== undefined && wanted !== "_type") return invalid(name, "is given twice");
    found.set(wanted, before === undefined ? value : `${before},${value}`);
  }
  return ok(found);
}

function typesIn(text: string): Result<readonly string[]> {
  const types = [...new Set(text.split(",").map((type) => type.trim()))];
  const wrong = types.find(
    (type) =>
      parseResourceType(type) === null || knownResourceType(type) === null || !isStorable(type),
  );
  return wrong === undefined ? ok(types) : invalid("_type", "is a list of FHIR resource types");
}

/** Null stands for "not given"; a failure names the parameter. */
function dateIn(name: Name, text: string | undefined): Result<Bounds | null> {
  if (text === undefined) return ok(null);
  const bounds = boundsOf(text);
  return bounds === null ? invalid(name, "is a date such as 2024-05-01") : ok(bounds);
}

/** Fails as "parameter-unknown" or "parameter-invalid", naming the parameter. */
export function parseEverything(query: URLSearchParams): Result<EverythingQuery> {
  const given = only(query);
  if (!given.ok) return given;
  const start = dateIn("start", given.value.get("start"));
  if (!start.ok) return start;
  const end = dateIn("end", given.value.get("end"));
  if (!end.ok) return end;
  const sinceBounds = dateIn("_since", given.value.get("_since"));
  if (!sinceBounds.ok) return sinceBounds;
  const typeText = given.value.get("_type");
  const types = typeText === undefined ? ok(null) : typesIn(typeText);
  if (!types.ok) return types;
  const countGiven = given.value.get("_count");
  if (countGiven !== undefined && !countText.test(countGiven))
    return invalid("_count", "is a number from 1 on");
  const care =
    start.value === null && end.value === null
      ? null
      : {
          from: start.value?.from ?? Number.NEGATIVE_INFINITY,
          to: end.value?.to ?? Number.POSITIVE_INFINITY,
        };
  if (care !== null && care.from > care.to) return invalid("end", "lies before the start");
  return ok({
    care,
    since: sinceBounds.value === null ? null : parseInstant(sinceBounds.value.from),
    types: types.value,
    count: countGiven === undefined ? null : Math.min(Number(countGiven), limits.searchPageMax),
  });
}
