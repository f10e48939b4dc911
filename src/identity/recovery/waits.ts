/** How long the person has to call off a recovery that is not hers. */
export interface RecoveryWaits {
  /** After a recovery code was shown. */
  readonly codeMs: number;
  /** After one of the staff proved who the person is. */
  readonly staffMs: number;
}

const hours = 60 * 60_000;

/**
 * Least, usual and most of each. A wait of seconds is for trying things out only: the process
 * says so when it starts with one shorter than `safe`.
 */
export const recoveryWaitLimits = {
  codeMs: { least: 1_000, safe: 24 * hours, usual: 72 * hours, most: 30 * 24 * hours },
  staffMs: { least: 0, safe: 0, usual: 1 * hours, most: 7 * 24 * hours },
} as const;

export const usualWaits: RecoveryWaits = {
  codeMs: recoveryWaitLimits.codeMs.usual,
  staffMs: recoveryWaitLimits.staffMs.usual,
};

/** How long after its waiting time a recovery may still be ended. */
export const recoveryOpenMs = 7 * 24 * hours;
