import type { Problem } from "#core/problem.ts";
import { meaningOf } from "#core/problem.ts";

/** What a command may say and how; handed in so that a test can listen. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Colour and redrawn lines only where a person watches. */
  readonly isTerminal: boolean;
  readonly colour: boolean;
}

/** Exit codes of every command, after sysexits(3). */
export const exitCodes = {
  done: 0,
  /** The command ran and found what it was to look for: a log that does not verify, entries refused. */
  found: 1,
  usage: 64,
  unavailable: 69,
  software: 70,
  refused: 77,
  config: 78,
} as const;

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export function paint(terminal: Terminal, style: keyof typeof codes, text: string): string {
  return terminal.colour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;
}

/** A text that somebody else wrote may hold anything, also what moves a terminal's cursor. */
export const plain = (text: string): string =>
  text.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, "?");

/** Says a problem with its code on standard error: what happened, then what to do. */
export function sayProblem(terminal: Terminal, found: Problem): void {
  const about = found.detail ?? meaningOf(found.code).text;
  terminal.err(`${paint(terminal, "red", "✗")} ${about} [${found.code}]\n`);
}

/** Shows one step of a longer work while it runs and how long it took. */
export async function step<T>(
  terminal: Terminal,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  if (terminal.isTerminal) terminal.out(`  ${paint(terminal, "dim", "…")} ${name}`);
  try {
    const done = await work();
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const line = `  ${paint(terminal, "green", "✓")} ${name} ${paint(terminal, "dim", `${seconds} s`)}\n`;
    terminal.out(terminal.isTerminal ? `\r\u001b[2K${line}` : line);
    return done;
  } catch (error) {
    if (terminal.isTerminal) terminal.out(`\r\u001b[2K`);
    throw error;
  }
}
