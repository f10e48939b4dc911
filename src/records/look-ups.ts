import { invariant, type Result } from "#core/result.ts";

export interface LookUpLimits {
  /** Look-ups sent in one statement. */
  readonly perStatement: number;
  /** Statements under way at once; look-ups that come meanwhile go together in the next. */
  readonly underWay: number;
}

interface Waiting<A, F> {
  readonly asked: A;
  readonly resolve: (found: Result<F>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets look-ups that come while others are under way go together in one statement, as a statement
 * costs the server and us more than a row does; one alone goes at once. `findAll` answers each in
 * order, or fails for all; what it throws is thrown at each.
 */
export function gatherLookUps<A, F>(
  { perStatement, underWay: most }: LookUpLimits,
  findAll: (asked: readonly A[]) => Promise<Result<readonly F[]>>,
): (asked: A) => Promise<Result<F>> {
  let waiting: Waiting<A, F>[] = [];
  let underWay = 0;

  const answer = async (asking: readonly Waiting<A, F>[]): Promise<void> => {
    try {
      const found = await findAll(asking.map(({ asked }) => asked));
      invariant(!found.ok || found.value.length === asking.length, "each look-up is answered");
      asking.forEach(({ resolve }, at) => {
        if (!found.ok) resolve(found);
        else for (const value of found.value.slice(at, at + 1)) resolve({ ok: true, value });
      });
    } catch (error) {
      for (const { reject } of asking) reject(error);
    }
  };

  const send = (): void => {
    while (waiting.length > 0 && underWay < most) {
      const asking = waiting.slice(0, perStatement);
      waiting = waiting.slice(perStatement);
      underWay += 1;
      void answer(asking).finally(() => {
        underWay -= 1;
        send();
      });
    }
  };

  return (asked) =>
    new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject });
      // Whoever asks in the same turn comes along.
      if (waiting.length === 1) setImmediate(send);
    });
}
