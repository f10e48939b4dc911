export const exposureLimits = {
  /**
   * The longest that a data key is reckoned to be in the memory of a process that was given it: its
   * residence in the vault, and a minute more until what is over is swept out.
   */
  residenceMs: 16 * 60_000,
} as const;
