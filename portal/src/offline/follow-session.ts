import { createRecords } from "../api/records.ts";
import type { Session } from "../session/session.ts";
import { checkCopy, dropCopy, refreshCopy, type CopyDeps } from "./copy.ts";
import { createKeeping } from "./kept.ts";
import { createLeases, hasEnded } from "./leases.ts";
import { askPasskey } from "./passkey-secret.ts";
import { fetchSummary } from "./summary.ts";

export interface OfflineWorld {
  readonly origin: string;
  readonly nowMs: () => number;
}

export function createCopyDeps(session: Session, { origin, nowMs }: OfflineWorld): CopyDeps {
  const records = createRecords(session.get, origin);
  return {
    keeping: createKeeping(indexedDB, navigator.locks),
    leases: createLeases(session),
    summaryOf: (patient) => fetchSummary(records, patient, new Date(nowMs()).toISOString()),
    askPasskey,
    nowMs,
  };
}

/** A browser that gives no storage keeps nothing, and the portal goes on without. */
const quietly = (work: Promise<unknown>): void => void work.catch(() => null);

/**
 * Sees to the summary that this browser may keep: looks at it when the portal starts, renews it when
 * somebody is signed in, deletes it when she signs out.
 */
export function followSession(session: Session, world: OfflineWorld): void {
  const deps = createCopyDeps(session, world);
  quietly(checkCopy(deps.keeping, hasEnded, world.nowMs()));
  let account: string | null = null;
  const follow = (): void => {
    const state = session.state();
    if (state.state === "closed" && state.reason === "signed-out") quietly(dropCopy(deps.keeping));
    if (state.state !== "open" || state.me.account === account) return;
    ({ account } = state.me);
    quietly(refreshCopy(deps, account));
  };
  session.subscribe(follow);
  follow();
}
