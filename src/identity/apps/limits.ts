import { limits } from "#core/limits.ts";

const days = 24 * 60 * 60_000;

export const appLimits = {
  /** After this the person is asked again, however often the app was used. */
  offlineMaxMs: 90 * days,
  /** An app that may work while the person is away loses that when it was not used for so long. */
  offlineIdleMs: 30 * days,
  /** As long as the sign-in. */
  onlineMaxMs: limits.sessionMaxMs,
  /** How long an app may take to come back from its launch address. */
  launchMs: 5 * 60_000,
  /** Scopes that one request may ask for. */
  scopes: 100,
  /** Connected apps shown, newest first. */
  appsListed: 200,
} as const;
