import { openHome, readSettings, type Home, type Settings } from "#assembly/home.ts";
import { openOperator } from "#assembly/operator.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, sayProblem } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";
import type { Problem } from "#core/problem.ts";

export type Fields = Readonly<Record<string, unknown>>;

export interface OpenedHome {
  readonly home: Home;
  readonly settings: Settings;
}

/** The deployment of this command; null when there is none, which was then said. */
export function openedHome({ environment, terminal }: CommandContext): OpenedHome | null {
  const home = openHome(environment.homePath);
  const settings = home.ok ? readSettings(home.value) : null;
  if (home.ok && settings !== null) return { home: home.value, settings };
  terminal.err(`There is no deployment in ${environment.homePath}. Make one with: npm start\n`);
  return null;
}

export const codeOf = ({ code }: Problem): number =>
  code === "upstream-unavailable" || code === "storage-unavailable"
    ? exitCodes.unavailable
    : exitCodes.refused;

/** Asks identity; what it answered, or the exit code after saying why it did not. */
export async function askIdentity(
  { terminal }: CommandContext,
  { home }: OpenedHome,
  path: string,
  body: unknown,
): Promise<Fields | number> {
  const operator = await openOperator(home);
  const answer = await operator.postJson("identity", path, body);
  await operator.close();
  if (!answer.ok) {
    sayProblem(terminal, answer.problem);
    return codeOf(answer.problem);
  }
  return isRecord(answer.value) ? answer.value : {};
}

export const textAt = (fields: Fields, name: string): string => {
  const value = fields[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
};

export const listAt = (fields: Fields, name: string): readonly unknown[] => {
  const value = fields[name];
  return Array.isArray(value) ? value : [];
};
