import type { Evidence, Exposed, ExposureQuestion, Mark } from "#breach/exposure.ts";
import { paint, type Terminal } from "#cli/terminal.ts";
import { toIso, type Instant } from "#core/clock.ts";

/** What is known when all have been told. */
export interface AnswerEnd {
  readonly patients: number;
  /** Of them, those whose keys were destroyed since. */
  readonly shredded: number;
  /** Entries about keys that cannot be read. */
  readonly unreadable: number;
  /** What is wrong with the log of the keys process. */
  readonly keyLogFindings: number;
}

/** Tells an answer while it is found, so that it is never held as a whole. */
export interface Answer {
  tell(exposed: Exposed): void;
  end(found: AnswerEnd): void;
}

const iso = (at: Instant | null): string | null => (at === null ? null : toIso(at));
const printedMark = ({ at, place }: Mark) => ({ at: toIso(at), place });
const printedEvidence = ({ first, last, ...about }: Evidence) => ({
  ...about,
  first: printedMark(first),
  last: printedMark(last),
});

function printedQuestion(question: ExposureQuestion): object {
  if (question.kind === "backup") return { ...question, at: toIso(question.at) };
  const { window, ...about } = question;
  return { ...about, from: iso(window.from), to: iso(window.until) };
}

/** One JSON object: the question, `patients` and `others` one to a line, and the counts. */
export function jsonAnswer({ out }: Terminal, question: ExposureQuestion): Answer {
  let patients = 0;
  const others: object[] = [];
  out(`{"question":${JSON.stringify(printedQuestion(question))},"patients":[`);
  return {
    tell: ({ compartment, patient, shreddedAt, evidence }) => {
      const about = { shreddedAt: iso(shreddedAt), evidence: evidence.map(printedEvidence) };
      if (patient === null) {
        others.push({ compartment, ...about });
        return;
      }
      out(`${patients === 0 ? "\n" : ",\n"}${JSON.stringify({ patient, ...about })}`);
      patients += 1;
    },
    end: (found) => {
      out(`\n],"others":${JSON.stringify(others)},"found":${JSON.stringify(found)}}\n`);
    },
  };
}

/** Shown on the terminal; --json has all. */
const shownMax = 20;

function evidenceLine({
  kind,
  record,
  dekVersion,
  kekEpoch,
  holder,
  certain,
  ...marks
}: Evidence): string {
  const { first, last, count } = marks;
  const epoch = kekEpoch === null ? "" : `, KEK epoch ${kekEpoch}`;
  const where = holder === null ? "" : ` by ${holder}`;
  const when = `${toIso(first.at)} (${first.place})`;
  const until = last.place === first.place ? "" : ` to ${toIso(last.at)} (${last.place})`;
  const told = certain
    ? `${record}${where}${count > 1 ? ` ${count} times,` : ""} ${when}${until}`
    : `not excluded between ${when}${until}`;
  return `    ${kind}: key version ${dekVersion}${epoch}: ${told}\n`;
}

function sentence(question: ExposureQuestion, patients: number): string {
  const count = `${patients} ${patients === 1 ? "patient" : "patients"}`;
  return question.kind === "backup" && question.epoch === null
    ? "Nobody: a copy of the database holds no key that opens it. Were a KEK epoch lost too, ask with --kek-epoch.\n"
    : `${count} exposed.\n`;
}

/** For a person: the first of them with their evidence, then the counts. */
export function plainAnswer(terminal: Terminal, question: ExposureQuestion): Answer {
  let told = 0;
  // Said at the end, when no progress bar is drawn any more.
  const lines: string[] = [];
  return {
    tell: ({ compartment, shreddedAt, evidence }) => {
      told += 1;
      if (told > shownMax) return;
      const shredded = shreddedAt === null ? "" : ` (shredded ${toIso(shreddedAt)})`;
      lines.push(`  ${paint(terminal, "bold", compartment)}${shredded}\n`);
      lines.push(...evidence.map(evidenceLine));
    },
    end: ({ patients, shredded, unreadable, keyLogFindings }) => {
      const warn = (text: string): void =>
        terminal.err(`${paint(terminal, "yellow", "!")} ${text}\n`);
      for (const line of lines) terminal.out(line);
      if (told > shownMax) terminal.out(`  and ${told - shownMax} more; --json lists all\n`);
      terminal.out(sentence(question, patients));
      if (shredded > 0) terminal.out(`${shredded} of them were shredded since.\n`);
      if (unreadable > 0)
        warn(`${unreadable} entries about keys cannot be read; run: phylax audit verify`);
      if (keyLogFindings > 0)
        warn("The log of the keys process is not as it was written; run: phylax audit verify");
    },
  };
}
