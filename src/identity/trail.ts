import { auditEntry, type AuditEntry } from "#core/audit-entry.ts";
import type { ClientFacts } from "#core/client-facts.ts";
import type { Clock } from "#core/clock.ts";
import type { DpopProof } from "#core/dpop.ts";
import type { AccountId } from "#core/ids.ts";
import type { Problem } from "#core/problem.ts";
import type { Result } from "#core/result.ts";

/** The one use of a DPoP proof, kept by the log until the proof is too old to be taken. */
export type Proof = Pick<DpopProof, "jkt" | "jti" | "expiresAt">;

/** The log (audit/log.ts) as this process uses it: resolves when the entries are durable. */
export interface IdentityLog {
  submit(submission: {
    readonly entries: () => readonly AuditEntry[];
    readonly proof?: Proof;
  }): Promise<Result<unknown>>;
}

export type Happening = Pick<AuditEntry, "action"> & Partial<AuditEntry> & About;

interface About {
  /** Null when an operator's command asked. */
  readonly facts: ClientFacts | null;
  /** Why it was denied: a problem code, or an error code of OAuth. */
  readonly refused?: string;
  /** The account that it is about; who acted is proven only where it is permitted. */
  readonly about?: AccountId | null;
}

/** Writes happenings of sign-in to the log. */
export interface Trail {
  /** Resolves when it is durable: null, or the problem for which nothing may be answered. */
  note(happening: Happening, proof?: Proof): Promise<Problem | null>;
}

function entryOf(happening: Happening, clock: Clock): AuditEntry {
  const { facts, refused, about, ...known } = happening;
  const permitted = refused === undefined;
  return auditEntry({
    time: clock.now(),
    decision: permitted ? "permit" : "deny",
    reasons: permitted ? [] : [refused],
    zone: facts?.zone ?? "operator",
    address: facts?.address ?? null,
    requestId: facts?.requestId ?? null,
    ...(about === undefined ? {} : permitted ? { actor: about } : { resourceId: about }),
    ...known,
  });
}

export function createTrail(log: IdentityLog, clock: Clock): Trail {
  return {
    note: async (happening, proof) => {
      const entry = entryOf(happening, clock);
      const written = await log.submit({
        entries: () => [entry],
        ...(proof === undefined ? {} : { proof }),
      });
      return written.ok ? null : written.problem;
    },
  };
}
