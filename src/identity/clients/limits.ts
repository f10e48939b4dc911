const days = 24 * 60 * 60_000;

export const clientLimits = {
  nameChars: 100,
  redirectUris: 10,
  scopes: 100,
  scopeChars: 300,
  keysPerClient: 10,
  jwksChars: 32 * 1024,
  /** A key set fetched from a client's own address. */
  fetchedKeysBytes: 64 * 1024,
  /** Clients that registered themselves and wait: more are turned away until some were decided. */
  pendingClients: 100,
  /** How far ahead the end of a client's assertion may lie (SMART App Launch 2.2 §5.1.3.1). */
  assertionSeconds: 300,
  jtiChars: 128,
  /** A registration that nobody decided is forgotten after this. */
  pendingMs: 30 * days,
  clientsListed: 1_000,
} as const;
