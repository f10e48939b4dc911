import { isRecord } from "#core/jws.ts";
import { meaningOf, parseProblemCode, refuse, type ProblemCode } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** How the build of the blind indexes stands, as the records process tells it. */
export interface Rebuild {
  /** Whether this very question began it. */
  readonly began: boolean;
  readonly version: number;
  readonly done: number;
  readonly total: number;
  readonly ended: boolean;
  readonly obstacle: ProblemCode | null;
}

export interface Following {
  /** Asks the records process; `start` begins a build unless one runs. */
  readonly ask: (start: boolean) => Promise<Result<unknown>>;
  /** Tells the keys process that so many patients' keys will be asked for. */
  readonly announce: (patients: number) => Promise<Result<unknown>>;
  readonly wait: (ms: number) => Promise<unknown>;
  readonly onProgress: (rebuild: Rebuild) => void;
}

const askEveryMs = 500;

function parseRebuild(value: unknown): Rebuild | null {
  if (!isRecord(value)) return null;
  const { began, version, done, total, ended, obstacle } = value;
  if (typeof began !== "boolean" || typeof ended !== "boolean") return null;
  if (typeof version !== "number" || typeof done !== "number" || typeof total !== "number")
    return null;
  const code = typeof obstacle === "string" ? parseProblemCode(obstacle) : null;
  return { began, version, done, total, ended, obstacle: code };
}

async function asked({ ask }: Following, start: boolean): Promise<Result<Rebuild>> {
  const answer = await ask(start);
  if (!answer.ok) return answer;
  const rebuild = parseRebuild(answer.value);
  return rebuild === null
    ? refuse("upstream-unavailable", { detail: "records answers something else" })
    : ok(rebuild);
}

/**
 * Begins a build, or joins the one that runs, and follows it to its end. Fails as asking does, and
 * with what holds the build up: the records process tries again by itself, so that following may
 * be taken up later by the same command.
 */
export async function followRebuild(following: Following): Promise<Result<Rebuild>> {
  const first = await asked(following, true);
  if (!first.ok) return first;
  let now = first.value;
  if (!now.ended && now.total > now.done) {
    const announced = await following.announce(now.total - now.done);
    if (!announced.ok) return announced;
  }
  while (!now.ended) {
    following.onProgress(now);
    const { obstacle } = now;
    if (obstacle !== null)
      return refuse(obstacle, { detail: `${meaningOf(obstacle).text} The build waits for it.` });
    await following.wait(askEveryMs);
    const next = await asked(following, false);
    if (!next.ok) return next;
    now = next.value;
  }
  following.onProgress(now);
  return ok({ ...now, began: first.value.began });
}
