import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openedHome } from "#cli/ask.ts";
import { openPolicies } from "#cli/policy/authorizers.ts";
import type { PolicyOptions } from "#cli/policy/policy.ts";
import type { CommandContext } from "#cli/program.ts";
import { exitCodes, paint, sayProblem } from "#cli/terminal.ts";
import { isRecord } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { AttributeClass } from "#policy/attribute-class.ts";
import type { Authorizer } from "#policy/authorizer.ts";
import { parseClassText } from "#policy/class-text.ts";

const outcomes = ["permit", "step-up", "deny"] as const;

interface Case {
  readonly asked: string;
  readonly attributes: AttributeClass;
  readonly expect: (typeof outcomes)[number];
}

function parseCase(value: unknown): Case | null {
  if (!isRecord(value)) return null;
  const { asked } = value;
  const attributes = typeof asked === "string" ? parseClassText(asked) : null;
  const expect = outcomes.find((each) => each === value["expect"]);
  if (typeof asked !== "string" || attributes === null || expect === undefined) return null;
  return { asked, attributes, expect };
}

/** The cases of a folder; none when there is no cases.json. */
function readCases(folder: string): Result<readonly Case[]> {
  const path = join(folder, "cases.json");
  if (!existsSync(path)) return ok([]);
  const invalid = (detail: string) => refuse("parameter-invalid", { at: path, detail });
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!Array.isArray(value)) return invalid(`${path} is not a list`);
    const cases: Case[] = [];
    for (const [at, item] of value.entries()) {
      const read = parseCase(item);
      if (read === null)
        return invalid(`case ${at + 1} of ${path} has no line of \`decided\`, or no known outcome`);
      cases.push(read);
    }
    return ok(cases);
  } catch {
    return invalid(`${path} is not JSON`);
  }
}

const wrongOf = (cases: readonly Case[], authorizer: Pick<Authorizer, "decideClass">) =>
  cases.flatMap(({ asked, attributes, expect }) => {
    const { effect, policies } = authorizer.decideClass(attributes);
    return effect === expect ? [] : [{ asked, expect, is: effect, by: policies }];
  });

/** Validates policies and decides the cases beside them; the exit code. */
export async function testPolicies(
  context: CommandContext,
  { policies, json = false }: PolicyOptions,
): Promise<number> {
  const { terminal } = context;
  const opened = openedHome(context);
  if (opened === null) return exitCodes.config;
  const found = await openPolicies(opened, policies);
  const cases = found.ok ? readCases(found.value.folder) : found;
  if (!found.ok || !cases.ok) {
    const { problem } = cases.ok ? { problem: null } : cases;
    if (problem === null) return exitCodes.software;
    if (json) terminal.out(`${JSON.stringify({ valid: false, detail: problem.detail })}\n`);
    else sayProblem(terminal, problem);
    return exitCodes.found;
  }
  const { authorizer } = found.value;
  const own = authorizer.policies.filter((id) => id.startsWith("own-"));
  const wrong = wrongOf(cases.value, authorizer);
  if (json) {
    const told = { valid: true, policies: authorizer.policies.length, own };
    terminal.out(`${JSON.stringify({ ...told, cases: cases.value.length, wrong })}\n`);
    return wrong.length === 0 ? exitCodes.done : exitCodes.found;
  }
  const tick = paint(terminal, "green", "✓");
  terminal.out(
    `${tick} ${authorizer.policies.length} policies validate, ${own.length} of them your own.\n`,
  );
  for (const { asked, expect, is, by } of wrong)
    terminal.out(
      `${paint(terminal, "red", "✗")} ${asked}\n    expected ${expect}, is ${is}${by.length === 0 ? "" : ` by ${by.join(", ")}`}\n`,
    );
  if (wrong.length === 0) terminal.out(`${tick} ${cases.value.length} cases are as expected.\n`);
  return wrong.length === 0 ? exitCodes.done : exitCodes.found;
}
