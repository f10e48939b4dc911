import * as oauth from "oauth4webapi";
import type { DeviceKey } from "./device-key.ts";

/** Runs requests that carry a DPoP proof (RFC 9449), with what may be needed for a second try. */
export interface Prover {
  /**
   * Sends once; again when the server hands out a nonce (§8), or when the answer shows that this
   * device's clock is wrong, so that every proof would look old or from the future (§11.1).
   */
  attempt<T>(send: (proof: oauth.DPoPHandle, clock: Skewed) => Promise<T>): Promise<T>;
  /** RFC 7638 thumbprint of the key, to bind the code to it (§10). */
  thumbprint(): Promise<string>;
}

/** How many seconds the server's clock is ahead of ours. */
export type Skewed = Readonly<{ [oauth.clockSkew]: number }>;

const toleratedSkewSeconds = 20;

export function createProver(key: DeviceKey, nowMs: () => number): Prover {
  let clock: Skewed = { [oauth.clockSkew]: 0 };
  let handle: oauth.DPoPHandle | null = null;
  const proof = async (): Promise<oauth.DPoPHandle> => {
    handle ??= oauth.DPoP(clock, await key.pair());
    return handle;
  };
  const correct = (error: unknown): boolean => {
    const skew = skewSeconds(error, nowMs());
    if (Math.abs(skew - clock[oauth.clockSkew]) < toleratedSkewSeconds) return false;
    clock = { [oauth.clockSkew]: skew };
    handle = null;
    return true;
  };
  return {
    attempt: async (send) => {
      try {
        return await send(await proof(), clock);
      } catch (error) {
        if (!oauth.isDPoPNonceError(error) && !correct(error)) throw error;
        return send(await proof(), clock);
      }
    },
    thumbprint: async () => (await proof()).calculateThumbprint(),
  };
}

function skewSeconds(error: unknown, nowMs: number): number {
  const refused =
    error instanceof oauth.ResponseBodyError ||
    error instanceof oauth.WWWAuthenticateChallengeError;
  const said = refused ? Date.parse(error.response.headers.get("date") ?? "") : Number.NaN;
  return Number.isNaN(said) ? 0 : Math.round((said - nowMs) / 1000);
}
