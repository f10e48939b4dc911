import { Secret, TOTP } from "otpauth";
import type { ProveSelf } from "#identity/testing-app.ts";
import { readJson } from "#identity/testing-app.ts";
import type { TestIdentity } from "#identity/testing.ts";

export const ana = {
  displayName: "Ana Lima",
  roles: ["patient"],
  patients: ["pat-1"],
  practitioner: null,
  externalId: "demo:ana",
  login: "ana.lima",
  password: "correct horse battery",
  totpSeed: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
} as const;

export const nurse = {
  displayName: "Nia Cole",
  roles: ["clinician"],
  patients: [],
  practitioner: "prac-nia",
  externalId: "demo:nia",
  login: "nia.cole",
  password: "a very long pass phrase",
  totpSeed: "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU",
} as const;

export interface MadeAccount {
  readonly account: string;
  /** The one-time token of the link. */
  readonly token: string;
}

export async function makeAccount(identity: TestIdentity, person: unknown): Promise<MadeAccount> {
  const made = await readJson(await identity.operate("/internal/accounts", person));
  const { account, enrolPath } = made;
  if (typeof account !== "string" || typeof enrolPath !== "string")
    throw new Error(JSON.stringify(made));
  return { account, token: enrolPath.slice("/enrol#token=".length) };
}

/** The code that the app on her phone shows, `steps` periods of 30 s from now. */
export function codeOf(totpSeed: string, steps = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(totpSeed) });
  return totp.generate({ timestamp: Date.now() + steps * 30_000 });
}

export interface PasswordSelf {
  readonly login: string;
  readonly password: string;
  readonly code: string;
}

/** Signs in by password and code; answers the response to the code. */
export function byPassword({ login, password, code }: PasswordSelf): ProveSelf {
  return async (browser, uid) => {
    await browser.postJson(`/sign-in/${uid}/password`, { login, password });
    return browser.postJson(`/sign-in/${uid}/totp`, { code });
  };
}

export const asAna = (steps = 0): ProveSelf =>
  byPassword({ ...ana, code: codeOf(ana.totpSeed, steps) });
