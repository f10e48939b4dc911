import sanitizeHtml from "sanitize-html";

export const cleanLimits = {
  /** Characters of a narrative that are cleaned and shown; a longer one is left to the FHIR copy. */
  narrativeCharacters: 256 * 1024,
} as const;

const shown = [
  "b",
  "big",
  "blockquote",
  "br",
  "caption",
  "cite",
  "code",
  "dd",
  "del",
  "dfn",
  "div",
  "dl",
  "dt",
  "em",
  "hr",
  "i",
  "li",
  "ol",
  "p",
  "pre",
  "q",
  "samp",
  "small",
  "span",
  "strong",
  "sub",
  "sup",
  "table",
  "tbody",
  "td",
  "tfoot",
  "th",
  "thead",
  "tr",
  "tt",
  "u",
  "ul",
  "var",
];

/**
 * A narrative without anything that runs, loads or leads elsewhere: formatting and words alone, not
 * even a link. Null when it is too long, or nothing is left.
 */
export function cleanNarrative(xhtml: string): string | null {
  if (xhtml.length > cleanLimits.narrativeCharacters) return null;
  const clean = sanitizeHtml(xhtml, {
    allowedTags: shown,
    allowedAttributes: { td: ["colspan", "rowspan"], th: ["colspan", "rowspan"] },
    allowedSchemes: [],
    disallowedTagsMode: "discard",
  }).trim();
  return clean === "" ? null : clean;
}

const block = /<\/?(?:p|div|li|tr|br|table|ul|ol|dd|dt|h[1-6]|blockquote|pre|hr)\b[^>]*>/gi;
const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: " ",
};

/** The words of a narrative alone, a line for each block. Null as `cleanNarrative` is. */
export function narrativeWords(xhtml: string): string | null {
  const clean = cleanNarrative(xhtml);
  if (clean === null) return null;
  const words = clean
    .replaceAll(block, "\n")
    .replaceAll(/<\/t[dh]>/gi, "\t")
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_whole, name: string) => entities[name] ?? "")
    .replaceAll(/[ \t]*\n\s*/g, "\n")
    .trim();
  return words === "" ? null : words;
}
