import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInstant, type Clock } from "#core/clock.ts";
import { invariant } from "#core/result.ts";
import type { GatewayEvent } from "./events.ts";
import { createTally } from "./tally.ts";

test("refusals are counted by route and reason, told once, and then anew", () => {
  let now = 1_000;
  const clock: Clock = {
    now: () => {
      const at = parseInstant(now);
      invariant(at !== null, "not an instant");
      return at;
    },
    monotonicMs: () => now,
  };
  const events: GatewayEvent[] = [];
  const tally = createTally(clock, (event) => events.push(event));
  tally.report();
  assert.deepEqual(events, []);
  for (let counted = 0; counted < 3; counted += 1) tally.add("/fhir", "rate-limited");
  tally.add(null, "rate-limited");
  now = 2_000;
  tally.report();
  tally.add("/fhir", "rate-limited");
  now = 3_000;
  tally.report();
  assert.deepEqual(events, [
    {
      kind: "refusals",
      from: 1_000,
      to: 2_000,
      counts: [
        { route: "/fhir", reason: "rate-limited", count: 3 },
        { route: null, reason: "rate-limited", count: 1 },
      ],
    },
    {
      kind: "refusals",
      from: 2_000,
      to: 3_000,
      counts: [{ route: "/fhir", reason: "rate-limited", count: 1 }],
    },
  ]);
});
