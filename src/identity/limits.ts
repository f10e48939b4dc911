import { limits } from "#core/limits.ts";

const minutes = 60_000;
const days = 24 * 60 * minutes;

/** Limits of the identity process alone; session limits stand in core/limits.ts. */
export const identityLimits = {
  bodyBytes: 64 * 1024,
  bodyMs: 10_000,
  /** How long the way through the sign-in pages may take. */
  interactionMs: 15 * minutes,
  challengeMs: 5 * minutes,
  /** How long after the password the code may come. */
  passwordStepMs: 5 * minutes,
  failuresPerSignIn: 10,
  authorizationCodeSeconds: 60,
  pushedRequestSeconds: 60,
  idTokenSeconds: 300,
  /** A rotated refresh token is good for as long as the longest idle limit. */
  refreshTokenSeconds: limits.patientIdleMs / 1_000,
  enrolmentLinkMs: 3 * days,
  /** How long the link for a second device works, and how long after it the passkey may be confirmed. */
  secondDeviceMs: 5 * minutes,
  /** How lately a person must have proven herself to change how she signs in. */
  freshSignInMs: 5 * minutes,
  passkeysPerAccount: 20,
  sessionsPerAccount: 20,
  /** Password hashes computed at once, and callers that may wait for one; each takes argon2's memory. */
  hashesAtOnce: 2,
  hashesWaiting: 32,
  sweepEveryMs: 1 * minutes,
  sweepRows: 5_000,
  /** How often evidence that has just ended is looked for, and how far back. */
  settleEveryMs: 500,
  settleWithinMs: 5_000,
  /** Ended sessions stay this long; the log keeps what they did. */
  endedSessionMs: 30 * days,
  /** Run out for so long, a lease is renewed no more. */
  offlineLapsedMs: 30 * days,
  /** Devices of one account that keep a summary. */
  offlineLeasesPerAccount: 5,
  offlineLeasesToldAtOnce: 500,
  displayNameChars: 200,
  loginChars: 200,
  /** NIST SP 800-63B-4 §3.1.1.2: what a password must have that stands alone; ours never does. */
  passwordCharsMin: 15,
  passwordCharsMax: 200,
  passkeyNameChars: 100,
  deviceNameChars: 100,
  /** Of one account; those last used come first. */
  devicesShown: 100,
  devicesPerPage: 50,
  languageChars: 35,
  noticesShown: 50,
  /** Told again by nobody after this long. */
  noticeMs: 365 * days,
  lettersAtOnce: 200,
  patientsPerAccount: 50,
  externalIdChars: 200,
  /** Patients for whom one person acts, and people who act for one patient. */
  grantsPerAccount: 50,
  departmentsPerAccount: 20,
  departmentChars: 100,
  /** Of what was shown to prove who somebody is. */
  evidenceChars: 300,
  /** A code on paper comes by mail. */
  paperCodeMs: 14 * days,
  failuresPerPaperCode: 5,
  /** How long an envelope lies before it must be made anew, and how long what it opens serves. */
  envelopeMs: 365 * days,
  envelopeOpenMs: 4 * 60 * minutes,
  peoplePerPage: 50,
  /** Of accounts made before names were indexed, at each clean-up. */
  namesIndexedAtOnce: 1_000,
  /** Accounts opened for one page when a name is looked for. */
  peopleLookedAt: 500,
} as const;
