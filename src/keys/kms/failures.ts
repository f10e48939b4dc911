import { refuse, type Problem } from "#core/problem.ts";

interface Failure {
  readonly ok: false;
  readonly problem: Problem;
}

/** The KMS did not do its work, and may do it later. `detail` says which and why; no secrets. */
export const unavailable = (detail: string): Failure => refuse("key-unavailable", { detail });

/** The KMS did its work and said no: not our key, not this context, or not allowed to us. */
export const refusedRoot = (detail: string): Failure => refuse("root-key-refused", { detail });

/** The promise's value, or null when it takes longer; the promise must not reject. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
