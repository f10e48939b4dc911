import type { IncomingMessage } from "node:http";
import { systemClock } from "#core/clock.ts";
import { parsePseudonym } from "#core/ids.ts";
import { createIdentify, type Identify } from "#records/caller.ts";
import { createKeyOf } from "#records/jwks.ts";
import { watchLiveSessions } from "#records/live-sessions.ts";
import type { SignedIn, Visitor } from "../../test/support/client.ts";
import { parsed } from "../support.ts";
import type { OpenedHome } from "./home.ts";

const checks = 6_000;
const warmUp = 2_000;
const path = "/fhir/Patient/someone";

/** Milliseconds of each check, in order of length. One after the other: nothing waits in line. */
async function time(identify: Identify, url: string, { token, key }: SignedIn): Promise<number[]> {
  const requests = Array.from({ length: checks + warmUp }, () => ({
    method: "GET",
    headers: { authorization: `DPoP ${token}`, dpop: key.proof("GET", url, token) },
  }));
  const took: number[] = [];
  for (const request of requests) {
    const began = performance.now();
    const arrival = await identify(request as unknown as IncomingMessage, path);
    took.push(performance.now() - began);
    if (!arrival.ok) throw new Error(arrival.problem.code);
  }
  return took.slice(warmUp).toSorted((a, b) => a - b);
}

export interface CheckTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What the records process does to know a caller: token, proof, and the session in its live view. */
export async function checkTimes(
  opened: OpenedHome,
  visitor: Visitor,
  signedIn: SignedIn,
): Promise<CheckTimes> {
  const db = opened.database("phylax_records");
  const nobody = parsed(parsePseudonym, "00000000-0000-4000-8000-000000000001");
  const live = await watchLiveSessions({
    db,
    clock: systemClock,
    pseudonymOf: () => nobody,
    samePerson: { refresh: async () => {}, withOthers: (patients) => patients },
  });
  const keyOf = createKeyOf(
    async () => JSON.parse((await visitor.ask("GET", "/oauth/jwks")).text) as unknown,
    systemClock,
  );
  const publicOrigin = visitor.origin;
  try {
    const identify = createIdentify({ keyOf, live, publicOrigin, clock: systemClock });
    const took = await time(identify, publicOrigin + path, signedIn);
    const at = (share: number): number => took[Math.floor(took.length * share)] ?? Number.NaN;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  } finally {
    live.close();
    await db.close();
  }
}
