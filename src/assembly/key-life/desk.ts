import { parsePseudonym } from "#core/ids.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { RecordsDesk } from "#assembly/key-life/life.ts";
import type { Operator } from "#assembly/operator.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The endpoints of the records process under /internal/keys, as records/key-desk.ts has them. */
export function recordsDesk(operator: Pick<Operator, "postJson" | "name">): RecordsDesk {
  const ask = async <T>(
    path: string,
    body: unknown,
    parse: (fields: Fields) => T | null,
  ): Promise<Result<T>> => {
    const answer = await operator.postJson("records", `/internal/keys/${path}`, body);
    if (!answer.ok) return answer;
    const { value } = answer;
    const parsed = typeof value === "object" && value !== null ? parse(value as Fields) : null;
    return parsed === null
      ? refuse("upstream-unavailable", { detail: "records answered in a form that is not known" })
      : ok(parsed);
  };
  return {
    pseudonymOf: (patient) =>
      ask("pseudonym", { patient }, ({ compartment }) =>
        typeof compartment === "string" ? parsePseudonym(compartment) : null,
      ),
    evict: async (compartments) => {
      const done = await ask("evict", { compartments }, () => true);
      return done.ok ? ok(null) : done;
    },
    log: async (event) => {
      const actor = `operator:${operator.name}`;
      const done = await ask("event", { ...event, signal: null, actor }, () => true);
      return done.ok ? ok(null) : done;
    },
    reseal: (patients, after, limit) =>
      ask("reseal", { patients, after, limit }, ({ done, next, rows, damaged }) =>
        typeof done === "number" &&
        typeof rows === "number" &&
        typeof damaged === "number" &&
        (next === null || typeof next === "string")
          ? { done, next, rows, damaged }
          : null,
      ),
  };
}
