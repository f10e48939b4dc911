import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseInstant, type Instant } from "#core/clock.ts";
import {
  attestationOf,
  attestationWays,
  levelOf,
  type DeviceLevel,
  type Evidence,
} from "#identity/devices/ladder.ts";

function at(ms: number): Instant {
  const instant = parseInstant(ms);
  if (instant === null) throw new Error("no time");
  return instant;
}

const now = at(1_000_000);
const later = at(1_000_001);
const stale = at(1_000_000);
const key = { hasKey: true, isLost: false };
const level = (...evidence: readonly Evidence[]): DeviceLevel => levelOf({ ...key, evidence }, now);
const healthy: Evidence = { kind: "posture", healthy: true, validUntil: later };
const unhealthy: Evidence = { kind: "posture", healthy: false, validUntil: later };
const certificate: Evidence = { kind: "certificate", validUntil: later };

test("a key alone stands on rung 1, none on 0", () => {
  assert.equal(level(), 1);
  assert.equal(levelOf({ hasKey: false, isLost: false, evidence: [certificate] }, now), 0);
});

test("a certificate gives rung 2, attested hardware rung 3", () => {
  assert.equal(level(certificate), 2);
  for (const kind of attestationWays) {
    assert.equal(level({ kind, validUntil: later }), 3);
    assert.equal(level(certificate, { kind, validUntil: later }), 3);
  }
});

test("a healthy managed device stands on rung 4 only where its key is bound to it", () => {
  assert.equal(level(healthy), 1);
  assert.equal(level(healthy, certificate), 4);
  assert.equal(level(healthy, { kind: "android-key", validUntil: later }), 4);
});

test("an unhealthy device stands on rung 1, whatever else speaks for it, and stays there in silence", () => {
  assert.equal(level(unhealthy, certificate, { kind: "webauthn", validUntil: later }), 1);
  assert.equal(level({ ...unhealthy, validUntil: stale }, certificate), 1);
});

test("evidence counts until the moment in which it ends, and no longer", () => {
  assert.equal(level({ ...certificate, validUntil: stale }), 1);
  assert.equal(level({ ...healthy, validUntil: stale }, certificate), 2);
  assert.equal(attestationOf([{ kind: "app-attest", validUntil: stale }], now), "none");
  assert.equal(attestationOf([{ kind: "app-attest", validUntil: later }], now), "app-attest");
});

test("a lost device stands on rung 0, and no evidence ever raises more than its own kind gives", () => {
  const one = fc.record({
    kind: fc.constantFrom("certificate" as const, ...attestationWays),
    validUntil: fc.constantFrom(stale, later),
  });
  const posture = fc.record({
    kind: fc.constant("posture" as const),
    healthy: fc.boolean(),
    validUntil: fc.constantFrom(stale, later),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(one, posture), { maxLength: 6 }), (evidence) => {
      assert.equal(levelOf({ hasKey: true, isLost: true, evidence }, now), 0);
      const reached = levelOf({ ...key, evidence }, now);
      const has = (kinds: readonly string[]): boolean =>
        evidence.some(({ kind, validUntil }) => kinds.includes(kind) && validUntil > now);
      if (reached >= 2) assert.ok(has(["certificate", ...attestationWays]));
      if (reached === 3) assert.ok(has(attestationWays));
      if (reached === 4) assert.ok(has(["posture"]));
    }),
  );
});
