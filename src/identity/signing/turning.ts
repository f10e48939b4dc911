import type { Handler } from "#core/net.ts";

export interface TurningDeps<Keys> {
  readonly read: () => Promise<Keys>;
  /** Equal for equal keys. */
  readonly nameOf: (keys: Keys) => string;
  readonly build: (keys: Keys, turn: () => Promise<void>) => Promise<Handler>;
}

export interface Turning {
  readonly handler: Handler;
  /** Reads the keys again, and serves with them from now on when they are others. */
  readonly turn: () => Promise<void>;
}

/**
 * A handler that is built anew when the keys it was built with are others; requests under way end
 * with the one that they began with. Throws what reading throws.
 */
export async function createTurning<Keys>(deps: TurningDeps<Keys>): Promise<Turning> {
  const { read, nameOf, build } = deps;
  // One turn after the other: two at once could leave the older keys in place.
  let underWay: Promise<void> = Promise.resolve();
  const turnAfter = async (before: Promise<void>): Promise<void> => {
    await before;
    const keys = await read();
    if (nameOf(keys) === current.name) return;
    current = { name: nameOf(keys), handler: await build(keys, turn) };
  };
  const turn = (): Promise<void> => {
    const next = turnAfter(underWay);
    underWay = next.catch(() => {});
    return next;
  };
  const first = await read();
  let current = { name: nameOf(first), handler: await build(first, turn) };
  return { handler: (request, response) => current.handler(request, response), turn };
}
