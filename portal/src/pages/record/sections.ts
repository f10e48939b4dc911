/** The parts of a record, in the order of the menu; the id is the last part of the address. */
export const sectionIds = [
  "problems",
  "medicines",
  "allergies",
  "immunisations",
  "results",
  "visits",
  "documents",
] as const;
export type SectionId = (typeof sectionIds)[number];

export function parseSection(text: string): SectionId | null {
  return sectionIds.find((id) => id === text) ?? null;
}

/** Resources asked for at once; the server sends at most 1,000. */
const pageSize = 500;

/** FHIR search for everything of one kind in one patient's record. */
export function sectionSearch(
  type: string,
  patient: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams({ patient, ...more, _count: String(pageSize) });
  return `/fhir/${type}?${query.toString()}`;
}
