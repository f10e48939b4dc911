export const auditLimits = {
  /** Submissions that wait for a flush; beyond, submit answers audit-unavailable at once. */
  waitingSubmissions: 8_192,
  /** One flush takes this many submissions, or entries, whichever is reached first. */
  batchSubmissions: 512,
  batchEntries: 1_024,
  /** After this a flush is taken for lost and those who wait for it are told so. */
  flushMs: 20_000,
  /** What each row that a flush writes adds to that. */
  flushRowMs: 2,
  /** Longer texts of an entry are cut: some come from strangers, and an index row has its limit. */
  textChars: 256,
  listItems: 128,
  /** An entry bundle of tlog-tiles gives each leaf a 16-bit length. */
  leafBytes: 65_535,
  /** Proofs remembered in memory; older ones are still found in the database. */
  seenProofs: 100_000,
  proofSweepMs: 30_000,
  sweptProofs: 20_000,
  pageEntries: 200,
} as const;
