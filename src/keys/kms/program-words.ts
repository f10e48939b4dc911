const charactersMax = 200;

/** What a program said last on its error output, fit for an operator's eyes: one line, printable. */
export function lastLine(error: string): string {
  const lines = error.split("\n").filter((line) => line.trim() !== "");
  return printable(lines.at(-1) ?? "");
}

/** What it said first. */
export function firstLine(error: string): string {
  const lines = error.split("\n").filter((line) => line.trim() !== "" && !isHint(line));
  return printable(lines[0] ?? "");
}

/** systemd-creds tells of this each time that it works, too. */
const isHint = (line: string): boolean => line.includes("using anyway");

function printable(line: string): string {
  const clean = line.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, charactersMax);
  return clean === "" ? "it says nothing" : clean;
}
