import { loggedDecisions } from "#assembly/logged-decisions.ts";
import { codeOf, openedHome } from "#cli/ask.ts";
import { openPolicies } from "#cli/policy/authorizers.ts";
import type { PolicyOptions } from "#cli/policy/policy.ts";
import type { CommandContext } from "#cli/program.ts";
import { progressBar } from "#cli/progress.ts";
import { exitCodes, paint, sayProblem, type Terminal } from "#cli/terminal.ts";
import { laterBy, systemClock, toIso } from "#core/clock.ts";
import { replay, type Replay } from "#policy/replay.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const daysMax = 90;

function say(terminal: Terminal, { decisions, unknown, changes }: Replay): void {
  const otherwise = changes.reduce((sum, { times }) => sum + times, 0);
  terminal.out(
    `${decisions.toLocaleString("en-US")} decisions were put again; ${otherwise.toLocaleString("en-US")} would be otherwise.\n`,
  );
  if (unknown > 0)
    terminal.out(
      `${unknown.toLocaleString("en-US")} could not be put: no policy speaks of them.\n`,
    );
  for (const { asked, times, was, wouldBe, by } of changes) {
    const style = wouldBe === "deny" ? "red" : "yellow";
    terminal.out(
      `\n${paint(terminal, style, `${was} → ${wouldBe}`)}  ${times} times\n  ${asked}\n`,
    );
    if (by.length > 0) terminal.out(`  by ${by.join(", ")}\n`);
  }
}

/** Puts the decisions of the last days to other policies; the exit code. */
export async function diff(
  context: CommandContext,
  { policies, days: given, json = false }: PolicyOptions,
): Promise<number> {
  const { terminal } = context;
  const days = Number(given);
  if (!Number.isInteger(days) || days < 1 || days > daysMax) {
    terminal.err(`--days takes a number from 1 to ${daysMax}.\n`);
    return exitCodes.usage;
  }
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const [now, tried] = [await openPolicies(opened), await openPolicies(opened, policies)];
  if (!now.ok || !tried.ok) {
    const refusal = now.ok ? tried : now;
    if (!refusal.ok) sayProblem(terminal, refusal.problem);
    return exitCodes.config;
  }
  const to = systemClock.now();
  const from = laterBy(to, -days * dayMs);
  const minutes = days * 24 * 60;
  const progress = progressBar(terminal, "minutes of the log");
  const logged = await loggedDecisions(opened, { from, to }, (at) =>
    progress.update(Math.floor((to - at) / minuteMs), minutes),
  );
  progress.stop();
  if (!logged.ok) {
    sayProblem(terminal, logged.problem);
    return codeOf(logged.problem);
  }
  const { entries, decided } = logged.value;
  const told = replay(decided, { now: now.value.authorizer, tried: tried.value.authorizer });
  if (json)
    terminal.out(`${JSON.stringify({ from: toIso(from), to: toIso(to), entries, ...told })}\n`);
  else say(terminal, told);
  return told.changes.length === 0 ? exitCodes.done : exitCodes.found;
}
