import type { Instant } from "#core/clock.ts";
import { unreachable } from "#core/result.ts";
import type { DeviceAttestation } from "#core/wire.ts";

/**
 * Rungs of the device ladder: 0 no key, 1 a DPoP key, 2 bound to a client certificate of ours,
 * 3 an attested hardware key, 4 managed and healthy.
 */
export type DeviceLevel = 0 | 1 | 2 | 3 | 4;

/** Ways in which hardware vouches for a key. */
export const attestationWays = ["webauthn", "app-attest", "android-key"] as const;
export type AttestationWay = (typeof attestationWays)[number] & DeviceAttestation;

interface Lasting {
  readonly validUntil: Instant;
}

/** What the server has itself checked of a key; nothing that the device says of itself. */
export type Evidence =
  | ({ readonly kind: "certificate" } & Lasting)
  | ({ readonly kind: AttestationWay } & Lasting)
  /** What the device's manager said of it last. */
  | ({ readonly kind: "posture"; readonly healthy: boolean } & Lasting);

export interface KeyFacts {
  /** False for a token that no key is bound to. */
  readonly hasKey: boolean;
  readonly isLost: boolean;
  readonly evidence: readonly Evidence[];
}

/**
 * The rung on which a key stands at this moment. A manager that calls the device unhealthy, or
 * that has fallen silent, holds it down: the first on rung 1, the second below 4.
 */
export function levelOf({ hasKey, isLost, evidence }: KeyFacts, now: Instant): DeviceLevel {
  if (!hasKey || isLost) return 0;
  if (evidence.some((one) => one.kind === "posture" && !one.healthy)) return 1;
  const valid = evidence.filter(({ validUntil }) => validUntil > now);
  const reached = valid.map(rungOf);
  const bound = reached.reduce<DeviceLevel>((best, rung) => (rung > best ? rung : best), 1);
  // Without a proof of its own, the key may not be on the device that the manager means.
  const isHealthy = valid.some(({ kind }) => kind === "posture");
  return isHealthy && bound >= 2 ? 4 : bound;
}

function rungOf({ kind }: Evidence): DeviceLevel {
  switch (kind) {
    case "certificate":
      return 2;
    case "webauthn":
    case "app-attest":
    case "android-key":
      return 3;
    case "posture":
      return 1;
    default:
      return unreachable(kind);
  }
}

/** By which hardware the key is vouched for now. */
export function attestationOf(evidence: readonly Evidence[], now: Instant): DeviceAttestation {
  const valid = evidence.filter(({ validUntil }) => validUntil > now);
  return attestationWays.find((way) => valid.some(({ kind }) => kind === way)) ?? "none";
}
