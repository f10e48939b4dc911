import type { Authenticator } from "#identity/passkeys/testing-authenticator.ts";
import {
  createApp,
  readJson,
  readTokens,
  type TestApp,
  type Tokens,
} from "#identity/testing-app.ts";
import { byPasskey, enrol } from "#identity/testing-passkeys.ts";
import { makeAccount } from "#identity/testing-people.ts";
import type { TestIdentity } from "#identity/testing.ts";

export const api = (tail: string): string => `/api/identity/${tail}`;

/** The code of the problem that a response tells of. */
export const codeOfProblem = async (response: Response): Promise<string> =>
  String((await readJson(response))["type"]).replace("urn:phylax:problem:", "");

export const itemsOf = async (
  response: Response,
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const { items } = await readJson(response);
  if (!Array.isArray(items)) throw new Error(`${response.status}: no items`);
  return items as readonly Readonly<Record<string, unknown>>[];
};

/** A person who signed in just now with a passkey, in a browser of her own. */
export interface SignedInPerson {
  readonly account: string;
  readonly authenticator: Authenticator;
  readonly app: TestApp;
  readonly tokens: Tokens;
  /** A call below /api/identity/, with token, proof and JSON. */
  call(method: string, tail: string, body?: unknown): Promise<Response>;
}

export async function signInAgain(
  identity: TestIdentity,
  account: string,
  authenticator: Authenticator,
): Promise<SignedInPerson> {
  const app = createApp(identity);
  const answer = await app.signIn(byPasskey(authenticator));
  const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
  const call: SignedInPerson["call"] = (method, tail, body) => {
    const path = api(tail);
    const headers = {
      authorization: `DPoP ${tokens.access}`,
      dpop: app.key.proof(method, path, { token: tokens.access }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return identity.send(path, { method, headers, ...sent });
  };
  return { account, authenticator, app, tokens, call };
}

/** Makes the account, a passkey by its link, and signs in with it. */
export async function signedInPerson(
  identity: TestIdentity,
  person: unknown,
): Promise<SignedInPerson> {
  const { account, token } = await makeAccount(identity, person);
  return signInAgain(identity, account, await enrol(identity, token));
}

/** As after 6 minutes: signed in, but not lately enough for what is sensitive. */
export async function letSignInAge(identity: TestIdentity): Promise<void> {
  await identity.db.query(
    "UPDATE identity.session SET signed_in_at = signed_in_at - interval '6 minutes'",
  );
}
