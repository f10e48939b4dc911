import type { DeviceReport, ShownKind, ShownPatient } from "#breach/device-report.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? "");

const style = `
body{font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:60rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.1rem;margin:2rem 0 .3rem;overflow-wrap:anywhere}
p{margin:.4rem 0}table{border-collapse:collapse;width:100%;font-size:.9rem}section{break-inside:avoid}
th,td{border-bottom:1px solid #c8d0d1;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{color:#4a5556;font-weight:600}.number{text-align:right}.scroll{overflow-x:auto}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}`;

/** A time as people read it, in UTC. */
const spoken = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;

const counted = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;

function kindRow({ action, resourceType, categories, resources, first, last }: ShownKind): string {
  const cells = [action, resourceType ?? "several", categories.join(", ")];
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}<td class="number">${resources}</td><td>${spoken(first)}</td><td>${spoken(last)}</td></tr>`;
}

const headings = ["Done", "Asked for", "Kinds of data", "Records", "First", "Last"];

function patientSection({ patient, id, accounts, shown }: ShownPatient): string {
  const name = id === null ? `Pseudonym ${patient}` : `Patient/${id}`;
  return `<section>
<h2>${escaped(name)}</h2>
<p>Pseudonym in the log: ${escaped(patient)}. By account ${escaped(accounts.join(", ") || "unknown")}.</p>
<div class="scroll" tabindex="0"><table>
<thead><tr>${headings.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead>
<tbody>
${shown.map(kindRow).join("\n")}
</tbody></table></div>
</section>`;
}

/** The report as one page that loads nothing and runs nothing, to read or to print. */
export function deviceReportPage(report: DeviceReport): string {
  const { totals, devices, lostAt, from, until, madeAt, patients, offline, checkpoints } = report;
  const title = `What device ${devices[0] ?? ""} was shown`;
  const window = `${from === null ? "the first record" : spoken(from)} to ${
    until === null ? spoken(madeAt) : spoken(until)
  }`;
  const sentences = [
    `Made ${spoken(madeAt)} from the audit log, for the time from ${window}.`,
    lostAt === null
      ? "The device was not told to be lost."
      : `The device was told to be lost or stolen on ${spoken(lostAt)} and is shut out since.`,
    `It was let at data of ${counted(totals.patients, "patient", "patients")}: ${counted(
      totals.resources,
      "record",
      "records",
    )} in ${counted(totals.entries, "entry", "entries")} of the log.`,
    ...(totals.unreadable === 0
      ? []
      : [`${counted(totals.unreadable, "entry", "entries")} of the device cannot be read.`]),
    ...offline.map(
      ({ renewedAt, openableUntil, endedAt }) =>
        `It kept a summary of its owner's own record, locked by a passkey, renewed last on ${spoken(
          renewedAt,
        )}: without a connection it could be opened there until ${spoken(openableUntil)}${
          endedAt === null ? "." : `, with one until ${spoken(endedAt)} at most.`
        }`,
    ),
    "What was shown in a session counts as seen: encryption at rest does not change that.",
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${sentences.map((text) => `<p>${escaped(text)}</p>`).join("\n")}
<p>Ids of the device in the log: ${escaped(devices.join(", "))}</p>
${patients.map(patientSection).join("\n")}
<section>
<h2>The log that this rests on</h2>
${checkpoints.map((note) => `<pre>${escaped(note)}</pre>`).join("\n")}
</section>
</main>
</body>
</html>
`;
}
