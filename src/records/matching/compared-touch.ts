import type { Kinds } from "#records/kinds.ts";
import type { StoredRow } from "#records/store.ts";
import { touch, type Touch } from "#records/visit.ts";

/** What the log is told of a Patient who is shown to be compared with another. */
export function comparedTouch(
  row: StoredRow,
  policies: readonly string[],
  { categories }: Pick<Kinds, "categories">,
): Touch {
  const { compartment, id, version, dekVersion } = row;
  const shown = { type: "Patient", id, version, dekVersion, categories, count: 1, policies };
  return touch({ action: "match", compartment, ...shown });
}
