import type { Content, TDocumentDefinitions } from "pdfmake/interfaces.js";
import { narrativeWords } from "#records/readable/clean.ts";
import type { ReadableEntry } from "#records/readable/entry.ts";
import type { CopyHead } from "#records/readable/html.ts";

function entryContent({ title, when, facts, narrative }: ReadableEntry): Content[] {
  const story = narrative === null ? null : narrativeWords(narrative);
  return [
    { text: title, style: "title" },
    ...(when === null ? [] : [{ text: when, style: "when" }]),
    ...facts.map(({ label, value }): Content => ({
      columns: [
        { text: label, width: 150, style: "label" },
        { text: value, width: "*" },
      ],
      columnGap: 12,
      margin: [0, 1, 0, 1],
    })),
    ...(story === null ? [] : [{ text: story, style: "story" }]),
  ];
}

/** The whole copy as pdfmake lays it out: a heading for each section, tagged with its language. */
export function pdfDocument(
  head: CopyHead,
  entries: readonly ReadableEntry[],
): TDocumentDefinitions {
  const content: Content[] = [
    { text: `Health record of ${head.name}`, style: "name" },
    { text: `Copy made ${head.made}.`, margin: [0, 0, 0, 6] },
    ...head.notes.map((note): Content => ({ text: note, margin: [0, 0, 0, 6] })),
  ];
  let section: string | null = null;
  for (const entry of entries) {
    if (entry.section !== section) {
      section = entry.section;
      content.push({ text: section, style: "section" });
    }
    content.push(...entryContent(entry));
  }
  return {
    content,
    info: { title: "Health record" },
    language: "en-US",
    displayTitle: true,
    pageSize: "LETTER",
    pageMargins: [48, 48, 48, 56],
    defaultStyle: { font: "Roboto", fontSize: 10, lineHeight: 1.2 },
    footer: (page, pages) => ({
      text: `Page ${page} of ${pages}`,
      alignment: "center",
      fontSize: 8,
      margin: [0, 20, 0, 0],
    }),
    styles: {
      name: { fontSize: 20, bold: true, margin: [0, 0, 0, 8] },
      section: { fontSize: 15, bold: true, color: "#1d5c63", margin: [0, 18, 0, 4] },
      title: { fontSize: 11, bold: true, margin: [0, 8, 0, 1] },
      when: { color: "#4a5556", margin: [0, 0, 0, 2] },
      label: { color: "#4a5556" },
      story: { color: "#333333", margin: [0, 4, 0, 2] },
    },
  };
}
