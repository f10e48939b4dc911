import { cleanNarrative } from "#records/readable/clean.ts";
import type { ReadableEntry } from "#records/readable/entry.ts";
import type { Fact } from "#records/readable/facts.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? "");

// The page is one file that loads nothing and runs nothing, wherever it is opened.
const policy = "default-src 'none'; style-src 'unsafe-inline'";

const style = `
body{font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:48rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.75rem;line-height:1.2}h2{font-size:1.35rem;margin-top:2.5rem;border-bottom:2px solid #1d5c63;padding-bottom:.25rem}
h3{font-size:1.05rem;margin:0}article{border:1px solid #c8d0d1;border-radius:.5rem;padding:.75rem 1rem;margin:.75rem 0;break-inside:avoid}
.when{color:#4a5556;margin:.1rem 0 .5rem}dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.2rem 1rem;margin:0}
dt{color:#4a5556}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}.story{border-top:1px solid #c8d0d1;margin-top:.75rem;padding-top:.5rem;overflow-x:auto}
table{border-collapse:collapse}td,th{border:1px solid #c8d0d1;padding:.2rem .5rem;text-align:left}
@media(max-width:32rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}`;

export interface CopyHead {
  readonly name: string;
  /** When it was made, as it is said. */
  readonly made: string;
  readonly notes: readonly string[];
}

export function htmlHead({ name, made, notes }: CopyHead): string {
  const said = notes.map((note) => `<p>${escaped(note)}</p>`).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<title>Health record of ${escaped(name)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Health record of ${escaped(name)}</h1>
<p>Copy made ${escaped(made)}.</p>
${said}
`;
}

const factHtml = ({ label, value }: Fact): string =>
  `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`;

/** One entry; `isFirst` opens the section that it stands in. */
export function htmlEntry(
  { section, title, when, facts, narrative }: ReadableEntry,
  isFirst: boolean,
): string {
  const story = narrative === null ? null : cleanNarrative(narrative);
  const parts = [
    isFirst ? `<h2>${escaped(section)}</h2>\n` : "",
    `<article><h3>${escaped(title)}</h3>`,
    when === null ? "" : `<p class="when">${escaped(when)}</p>`,
    facts.length === 0 ? "" : `<dl>${facts.map(factHtml).join("")}</dl>`,
    story === null ? "" : `<div class="story">${story}</div>`,
    "</article>\n",
  ];
  return parts.join("");
}

export const htmlTail = "</main>\n</body>\n</html>\n";
