/** Limits of the importing client; the first two are those of the importing server. */
export const importLimits = {
  batchLines: 1_000,
  batchBytes: 8 * 1024 * 1024,
  /** A batch this full ends where the next patient begins, so that few patients lie in two. */
  batchLinesBeforePatient: 600,
  batchesInFlight: 2,
  /** One resource with its envelope must fit into a batch. */
  entryBytes: 8 * 1024 * 1024 - 8 * 1024,
  /** A Bundle up to this size is read once; a larger one twice, so as never to be held whole. */
  wholeFileBytes: 32 * 1024 * 1024,
  /** Bundle entries of one file, each of which another may refer to. */
  bundleEntries: 250_000,
  files: 1_000_000,
  directoryDepth: 32,
  /** Identifiers by which conditional references are resolved. */
  identifiers: 1_000_000,
  problemsKept: 1_000,
  /** Entries that are tried once more at the end; what is missing beyond is refused at once. */
  secondTries: 1_000_000,
  /** Waits before a batch is sent again to a server that could not take it just then. */
  retryAfterMs: [500, 2_000, 8_000],
} as const;
