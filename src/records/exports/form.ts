export const copyForms = ["fhir", "ndjson", "web-page", "pdf"] as const;
/** How a copy of a record is written: for programs as one Bundle or a resource a line, or to be read. */
export type CopyForm = (typeof copyForms)[number];

export function parseCopyForm(text: unknown): CopyForm | null {
  return copyForms.find((known) => known === text) ?? null;
}

interface FormFacts {
  readonly mediaType: string;
  readonly ending: string;
}

export const formFacts: Readonly<Record<CopyForm, FormFacts>> = {
  fhir: { mediaType: "application/fhir+json; charset=utf-8", ending: "json" },
  ndjson: { mediaType: "application/fhir+ndjson; charset=utf-8", ending: "ndjson" },
  "web-page": { mediaType: "text/html; charset=utf-8", ending: "html" },
  pdf: { mediaType: "application/pdf", ending: "pdf" },
};

/** A name that tells nothing of the person. */
export const fileNameOf = (form: CopyForm, day: string): string =>
  `health-record-${day}.${formFacts[form].ending}`;
