import { auditEntry, type AuditAction, type AuditEntry, type Zone } from "#core/audit-entry.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import type { Clock } from "#core/clock.ts";
import type { ProblemCode } from "#core/problem.ts";

export const denialLimits = {
  everyMs: 60_000,
  /** Distinct kinds counted apart within one period; further addresses are counted together. */
  kinds: 1_000,
} as const;

interface Kind {
  readonly action: AuditAction;
  readonly code: ProblemCode;
  readonly zone: Zone | null;
  readonly address: string | null;
  count: number;
}

/**
 * Counts refusals of callers who proved nothing, and logs each kind once a period: an entry each
 * would let a stranger fill the log at will.
 */
export interface AnonymousDenials {
  note(action: AuditAction, code: ProblemCode, facts: ClientFacts | null): void;
  /** Logs what has been counted; keeps it when the log cannot be written. */
  flush(): Promise<void>;
  /** Logs what is left and ends. */
  close(): Promise<void>;
}

export function countAnonymousDenials(deps: {
  readonly clock: Clock;
  /** Resolves with false when the entries are not durable. */
  readonly record: (entries: readonly AuditEntry[]) => Promise<boolean>;
}): AnonymousDenials {
  let kinds = new Map<string, Kind>();

  const add = (kind: Kind): void => {
    const nameOf = (address: string | null): string =>
      [kind.action, kind.code, kind.zone, address].join(" ");
    const fits = kinds.has(nameOf(kind.address)) || kinds.size < denialLimits.kinds;
    const address = fits ? kind.address : null;
    const known = kinds.get(nameOf(address));
    if (known === undefined) kinds.set(nameOf(address), { ...kind, address });
    else known.count += kind.count;
  };

  const flush = async (): Promise<void> => {
    if (kinds.size === 0) return;
    const counted = [...kinds.values()];
    kinds = new Map();
    const time = deps.clock.now();
    const entries = counted.map(({ code, ...kind }) =>
      auditEntry({ ...kind, time, decision: "deny", reasons: [code] }),
    );
    if (!(await deps.record(entries))) for (const kind of counted) add(kind);
  };

  const timer = setInterval(() => void flush(), denialLimits.everyMs);
  timer.unref();
  return {
    note: (action, code, facts) =>
      add({ action, code, zone: facts?.zone ?? null, address: facts?.address ?? null, count: 1 }),
    flush,
    close: async () => {
      clearInterval(timer);
      await flush();
    },
  };
}
