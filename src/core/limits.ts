/** Limits that more than one part must agree on; a part's own limits stand in that part. */
export const limits = {
  /** FHIR and form bodies, after which the gateway answers 413; a narrative alone may have 20 MB. */
  bodyBytes: 24 * 1024 * 1024,
  jsonDepth: 100,
  headerBytes: 16 * 1024,
  urlBytes: 8 * 1024,
  bundleEntries: 50_000,
  searchPageDefault: 50,
  searchPageMax: 1_000,
  accessTokenSeconds: 300,
  /** A DPoP proof's `iat` may lie this far off our clock (RFC 9449 §11.1). */
  dpopProofAgeSeconds: 60,
  liveRefreshMs: 250,
  liveStaleMs: 1_000,
  patientIdleMs: 30 * 60_000,
  workforceIdleMs: 15 * 60_000,
  sessionMaxMs: 12 * 60 * 60_000,
  /** How long a device without a connection may open the summary that it keeps. */
  offlineLeaseMs: 3 * 24 * 60 * 60_000,
} as const;
