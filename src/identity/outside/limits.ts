const minutes = 60_000;
const days = 24 * 60 * minutes;

/** Limits of signing in at another house's OpenID Provider. */
export const outsideLimits = {
  providers: 10,
  labelChars: 60,
  issuerChars: 300,
  clientIdChars: 300,
  secretChars: 1_000,
  /** PEM of a few authorities. */
  authorityChars: 64 * 1024,
  assuranceValues: 20,
  assuranceValueChars: 200,
  /** Each request to a provider, from the first byte to the last. */
  requestMs: 5_000,
  answerBytes: 256 * 1024,
  /** A provider's metadata and keys are read anew after so long. */
  metadataMs: 10 * minutes,
  /** One that did not answer is left alone for so long, so that a crowd does not wait for each other. */
  retryMs: 5_000,
  /** How long ago she may have proven herself over there when a fresh sign-in is asked for. */
  freshSeconds: 300,
  /** The query of the provider's answer. */
  queryChars: 8_192,
  subjectChars: 255,
  nameChars: 200,
  amrValues: 10,
  /** People who wait for an approval, of all providers together, and how long they may. */
  waiting: 1_000,
  waitingMs: 7 * days,
  /** Links shown in one list. */
  listed: 5_000,
} as const;
