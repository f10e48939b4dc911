import type { Clock } from "#core/clock.ts";
import { type Connection, exchangeTooSlow, overdue } from "./connection.ts";
import type { ConnectionRefusal } from "./events.ts";
import type { GatewayLimits } from "./limits.ts";

export interface SweepOptions {
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly refused: (reason: ConnectionRefusal) => void;
}

/** Looks once at every connection and ends what has outlived a time limit. */
export function sweep(connections: ReadonlySet<Connection>, options: SweepOptions): void {
  const { limits, clock } = options;
  const now = clock.monotonicMs();
  for (const connection of connections) {
    for (const exchange of connection.exchanges) {
      const slow = exchangeTooSlow(exchange, limits, now);
      if (slow === "body" && exchange.watch.overdue()) continue;
      if (slow !== null) exchange.cut();
    }
    const end = overdue(connection, limits, now);
    if (end === null) continue;
    if (end.kind === "cut") {
      options.refused(end.reason);
      connection.socket.destroy();
    } else {
      windUp(connection, now);
    }
  }
}

/** Ends a connection once nothing is under way on it; asked again, at once. */
export function windUp(connection: Connection, nowMs: number): void {
  const { speech, exchanges } = connection;
  const again = connection.closingSinceMs !== null;
  connection.closingSinceMs ??= nowMs;
  // A session closes by itself after its last stream, and tells the client not to open another.
  if (speech.kind === "h2" && !again) speech.session.close();
  else if (speech.kind === "http/1.1" && !again && exchanges.size === 0)
    speech.socket.destroySoon();
  else if (exchanges.size === 0) connection.socket.destroy();
}
