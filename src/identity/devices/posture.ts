import type { ClientFacts } from "#core/client-facts.ts";
import { toIso, type Clock } from "#core/clock.ts";
import { problem, type Problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { DeviceManagers } from "#identity/devices/device-managers.ts";
import { findDevice, type DeviceRow } from "#identity/devices/device-record-store.ts";
import { settleLevel } from "#identity/devices/evidence-store.ts";
import { keepPosture } from "#identity/devices/posture-store.ts";
import { readStatement, type PostureStatement } from "#identity/devices/posture-statement.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";
import type { JsonObject } from "#identity/http/body.ts";
import type { Trail } from "#identity/trail.ts";
import type { Database } from "#storage/database.ts";

export interface PostureDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly publicOrigin: string;
  readonly deviceManagers: DeviceManagers;
  readonly trail: Trail;
}

/**
 * `{ statement }` of a device's manager, as readStatement takes it; answers `{ healthy, until }`.
 * Each statement serves once, and none counts after a newer one: "proof-replayed". A manager is
 * heard about the devices that it manages and about no others: "not-found".
 */
export type TakePosture = (body: JsonObject, facts: ClientFacts) => Promise<Answer>;

export function createTakePosture(deps: PostureDeps): TakePosture {
  const { db, clock, random, publicOrigin, deviceManagers: managers, trail } = deps;
  const keep = (said: PostureStatement, { jkt }: DeviceRow): Promise<boolean> =>
    db.transaction(async (tx) => {
      if (!(await keepPosture(tx, { ...said, jkt, id: random.uuid() }))) return false;
      await settleLevel(tx, jkt, clock.now());
      return true;
    });
  return async ({ statement }, facts) => {
    const deny = async (found: Problem): Promise<Answer> => {
      const told = { action: "administer", facts, refused: found.code } as const;
      const unwritten = await trail.note(told);
      return problemAnswer(unwritten ?? found);
    };
    const now = clock.now();
    const read = await readStatement(statement, { managers, audience: publicOrigin, now });
    if (!read.ok) return deny(read.problem);
    const said = read.value;
    const row = await findDevice(db, said.device, now);
    const isManaged = row !== null && row.managedBy === said.manager && row.lostAt === null;
    if (!isManaged || row.level === 0) return deny(problem("not-found"));
    const told = {
      action: "administer",
      facts,
      actor: `device-manager:${said.manager}`,
      resourceId: said.device,
      reasons: [said.healthy ? "device-healthy" : "device-unhealthy"],
    } as const;
    // What raises a device is in the log first; what holds it down is done whatever becomes of the log.
    const before = said.healthy ? await trail.note(told) : null;
    if (before !== null) return problemAnswer(before);
    if (!(await keep(said, row))) return deny(problem("proof-replayed"));
    const after = said.healthy ? null : await trail.note(told);
    if (after !== null) return problemAnswer(after);
    return answer({ healthy: said.healthy, until: toIso(said.validUntil) });
  };
}
