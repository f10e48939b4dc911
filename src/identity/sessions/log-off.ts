import type { PersonRole } from "#core/policy-request.ts";
import { isWorkforce } from "#identity/accounts/account.ts";
import { limits } from "#core/limits.ts";

/**
 * Automatic log-off, 45 CFR 164.312(a)(2)(iii): "electronic procedures that terminate an electronic
 * session after a predetermined time of inactivity". The rule names no time; these are the
 * operator's to set within the limits below.
 */
export interface LogOffRules {
  /** Who sees only her own record, or one she acts for. */
  readonly patientIdleMs: number;
  /** Who sees the records of many. */
  readonly workforceIdleMs: number;
  /** Anybody on a machine that many people use in turn. */
  readonly kioskIdleMs: number;
}

const minute = 60_000;

/** Least, usual and most of each; a patient's most is how long a refresh token lasts. */
export const logOffLimits = {
  patientIdleMs: { least: minute, usual: limits.patientIdleMs, most: limits.patientIdleMs },
  workforceIdleMs: { least: minute, usual: limits.workforceIdleMs, most: 30 * minute },
  kioskIdleMs: { least: minute / 2, usual: 2 * minute, most: 5 * minute },
} as const satisfies Record<keyof LogOffRules, { least: number; usual: number; most: number }>;

export const usualLogOff: LogOffRules = {
  patientIdleMs: logOffLimits.patientIdleMs.usual,
  workforceIdleMs: logOffLimits.workforceIdleMs.usual,
  kioskIdleMs: logOffLimits.kioskIdleMs.usual,
};

export type DeviceKind = "browser" | "kiosk";

/** The shortest that role and device ask for. */
export function idleMsOf(
  rules: LogOffRules,
  roles: readonly PersonRole[],
  kind: DeviceKind,
): number {
  const byRole = isWorkforce(roles) ? rules.workforceIdleMs : rules.patientIdleMs;
  return kind === "kiosk" ? Math.min(byRole, rules.kioskIdleMs) : byRole;
}
