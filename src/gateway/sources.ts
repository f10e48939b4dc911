import type { Zone } from "#core/audit-entry.ts";
import { networkOf } from "#core/network-of.ts";

/** What is remembered of one address (of one /64 for IPv6, which one household or host holds whole). */
export interface Source {
  /** The full address of the connection, IPv4-mapped addresses as IPv4. */
  readonly address: string;
  readonly zone: Zone;
  /** Takes one token of the budget; returns 0, or after how many milliseconds there is one again. */
  take(budget: number, nowMs: number): number;
  /** Called once when the connection is gone. */
  close(): void;
}

export interface SourcesOptions {
  /** Tokens a minute of each budget; a full bucket holds one minute's worth. */
  readonly perMinute: readonly number[];
  readonly connectionsPerAddress: number;
  /** Addresses without a connection that are remembered; the longest unseen is forgotten first. */
  readonly remembered: number;
  readonly zoneOf: (address: string) => Zone;
}

export interface Sources {
  /** Counts a new connection; null when the address has too many. */
  open(remoteAddress: string, nowMs: number): Source | null;
  /** Addresses held in memory. */
  readonly size: number;
}

interface Held {
  connections: number;
  readonly tokens: Float64Array;
  readonly filledMs: Float64Array;
}

const minuteMs = 60_000;

export function createSources(options: SourcesOptions): Sources {
  const { perMinute, connectionsPerAddress, remembered, zoneOf } = options;
  // An address with a connection is never forgotten, so that its connections stay counted.
  const connected = new Map<string, Held>();
  const idle = new Map<string, Held>();

  function hold(key: string, nowMs: number): Held {
    const known = connected.get(key) ?? idle.get(key);
    if (known !== undefined) return known;
    const tokens = Float64Array.from(perMinute);
    return { connections: 0, tokens, filledMs: new Float64Array(tokens.length).fill(nowMs) };
  }

  function letGo(key: string, held: Held): void {
    held.connections -= 1;
    if (held.connections > 0) return;
    connected.delete(key);
    idle.set(key, held);
    if (idle.size <= remembered) return;
    for (const oldest of idle.keys()) {
      idle.delete(oldest);
      break;
    }
  }

  return {
    open(remoteAddress, nowMs) {
      const address = plainAddress(remoteAddress);
      const key = networkOf(address);
      const held = hold(key, nowMs);
      if (held.connections >= connectionsPerAddress) return null;
      held.connections += 1;
      idle.delete(key);
      connected.set(key, held);
      return {
        address,
        zone: zoneOf(address),
        take: (budget, now) => take(held, perMinute[budget] ?? 0, budget, now),
        close: () => letGo(key, held),
      };
    },
    get size() {
      return connected.size + idle.size;
    },
  };
}

function take(held: Held, perMinute: number, budget: number, nowMs: number): number {
  const before = held.tokens[budget] ?? 0;
  const since = Math.max(0, nowMs - (held.filledMs[budget] ?? nowMs));
  const tokens = Math.min(perMinute, before + (since * perMinute) / minuteMs);
  held.filledMs[budget] = nowMs;
  if (tokens >= 1) {
    held.tokens[budget] = tokens - 1;
    return 0;
  }
  held.tokens[budget] = tokens;
  return perMinute > 0 ? ((1 - tokens) * minuteMs) / perMinute : minuteMs;
}

const mapped = "::ffff:";

function plainAddress(address: string): string {
  const bare = address.split("%", 1)[0] ?? "";
  return bare.startsWith(mapped) && bare.includes(".") ? bare.slice(mapped.length) : bare;
}
