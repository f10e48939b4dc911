/** How long a chart stays open, and how often one person may do it; the operator's within these limits. */
export interface EmergencyRules {
  readonly lastsMs: number;
  /** Charts that one person may open within breakGlassLimits.windowMs. */
  readonly most: number;
}

export const breakGlassLimits = {
  lastsMs: { least: 15 * 60_000, usual: 4 * 60 * 60_000, most: 24 * 60 * 60_000 },
  most: { least: 1, usual: 6, most: 50 },
  windowMs: 24 * 60 * 60_000,
  /** From this one on within the window each is an alarm of its own kind. */
  repeatedFrom: 3,
  reasonCharacters: { least: 10, most: 1_000 },
  reviewCharacters: { least: 3, most: 4_000 },
  bodyBytes: 16 * 1024,
  /** Lines of the reviewed, and of those to be reviewed, in one answer. */
  queueLines: 200,
  /** Charts open at one time in the whole organisation; beyond these none is honoured. */
  standing: 10_000,
} as const;

export const usualEmergencyRules: EmergencyRules = {
  lastsMs: breakGlassLimits.lastsMs.usual,
  most: breakGlassLimits.most.usual,
};
