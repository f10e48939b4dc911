import type { Pseudonym, ResourceId } from "#core/ids.ts";
import type { SamePerson } from "#records/matching/same-person.ts";

/** Parameters by which a search names the patient whose record it looks in. */
const naming = /^(?:patient|subject)(?::Patient)?$/;

/**
 * A query that names one patient, as it names all of her charts: each value that names this one is
 * joined, by the comma that means "or", by the like value for each other. Null when she has no others.
 */
export function overAllCharts(
  query: URLSearchParams,
  { patient, compartment }: { readonly patient: ResourceId; readonly compartment: Pseudonym },
  samePerson: Pick<SamePerson, "othersOf">,
): URLSearchParams | null {
  const others = samePerson.othersOf(compartment);
  if (others.length === 0) return null;
  const isHers = (value: string): boolean => value === patient || value.endsWith(`/${patient}`);
  return new URLSearchParams(
    [...query].map(([name, value]): [string, string] => {
      if (!naming.test(name) || !isHers(value)) return [name, value];
      const front = value.slice(0, value.length - patient.length);
      return [name, [value, ...others.map(({ id }) => front + id)].join(",")];
    }),
  );
}
