import { loggedEntry } from "#assembly/logged-decisions.ts";
import { codeOf, openedHome, type OpenedHome } from "#cli/ask.ts";
import { openPolicies } from "#cli/policy/authorizers.ts";
import type { PolicyOptions } from "#cli/policy/policy.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, sayProblem } from "#cli/terminal.ts";
import { problem } from "#core/problem.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { parseClassText } from "#policy/class-text.ts";
import type { PolicyTexts } from "#policy/policy-files.ts";
import { outcomeText } from "#policy/replay.ts";
import { parseEventId } from "#records/audit-view/audit-event.ts";

/** What an argument names: lines to decide anew. */
async function linesOf(what: string, opened: OpenedHome): Promise<Result<readonly string[]>> {
  const place = parseEventId(what);
  if (place === null) return ok([what]);
  const found = await loggedEntry(opened, place);
  if (!found.ok) return found;
  return found.value === null ? failed(problem("not-found")) : ok(found.value.entry.decided);
}

/** What stands above a policy in its file, and the policy: from its comment to its semicolon. */
function sourceOf({ policies, own = "" }: PolicyTexts, id: string): string {
  const lines = `${policies}\n${own}`.split("\n");
  const at = lines.findIndex((line) => line.includes(`@id("${id}")`));
  if (at < 0) return "";
  let from = at;
  while (from > 0 && /^\s*(\/\/|@)/.test(lines[from - 1] ?? "")) from -= 1;
  const to = lines.findIndex((line, n) => n >= at && /;\s*$/.test(line));
  return lines.slice(from, to < 0 ? at + 1 : to + 1).join("\n");
}

/** Says which policies decide what, and what stands in them; the exit code. */
export async function explain(
  context: CommandContext,
  what: string,
  { policies, json = false }: PolicyOptions,
): Promise<number> {
  const { terminal } = context;
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const [found, lines] = await Promise.all([openPolicies(opened, policies), linesOf(what, opened)]);
  if (!found.ok || !lines.ok) {
    const refusal = found.ok ? lines : found;
    if (refusal.ok) return exitCodes.software;
    sayProblem(terminal, refusal.problem);
    return codeOf(refusal.problem);
  }
  const { authorizer, texts } = found.value;
  const explained = lines.value.flatMap((asked) => {
    const attributes = parseClassText(asked);
    if (attributes === null) return [];
    const decision = authorizer.decideClass(attributes);
    const by = decision.policies.map((id) => ({ id, text: sourceOf(texts, id) }));
    return [{ asked, is: outcomeText(decision), by }];
  });
  if (json) terminal.out(`${JSON.stringify({ explained })}\n`);
  else if (explained.length === 0)
    terminal.err(
      "Nothing there was decided by policy. Give an AuditEvent's id, such as e-1-42, or a line of `decided`; see: phylax policy explain --help\n",
    );
  else
    for (const { asked, is, by } of explained) {
      terminal.out(`${paint(terminal, "bold", is)}  ${asked}\n`);
      if (by.length === 0) terminal.out("  No policy permits it.\n");
      for (const { text } of by) terminal.out(`\n${text.replaceAll(/^/gm, "  ")}\n`);
    }
  return explained.length === 0 ? exitCodes.usage : exitCodes.done;
}
