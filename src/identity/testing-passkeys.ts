import {
  createAuthenticator,
  type Authenticator,
  type Misbehaviour,
} from "#identity/passkeys/testing-authenticator.ts";
import { readJson, type ProveSelf } from "#identity/testing-app.ts";
import type { TestIdentity } from "#identity/testing.ts";

export function postJson(identity: TestIdentity, path: string, body: unknown): Promise<Response> {
  return identity.send(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

export const enrolBegin = (identity: TestIdentity, token: string): Promise<Response> =>
  postJson(identity, "/api/identity/enrol/begin", { token });

export async function enrolFinish(
  identity: TestIdentity,
  token: string,
  credential: unknown,
): Promise<Response> {
  const body = { token, passkeyName: "My phone", credential };
  return postJson(identity, "/api/identity/enrol/finish", body);
}

/** Makes a passkey through the link of this token. */
export async function enrol(identity: TestIdentity, token: string): Promise<Authenticator> {
  const offer = await readJson(await enrolBegin(identity, token));
  const authenticator = createAuthenticator();
  const done = await enrolFinish(identity, token, authenticator.create(offer["options"]));
  if (done.status !== 200) throw new Error(await done.text());
  return authenticator;
}

/** Signs in with the passkey; answers the response to its answer. */
export function byPasskey(authenticator: Authenticator, wrong: Misbehaviour = {}): ProveSelf {
  return async (browser, uid) => {
    const options = await readJson(await browser.postJson(`/sign-in/${uid}/passkey/options`, {}));
    const credential = authenticator.get(options, wrong);
    return browser.postJson(`/sign-in/${uid}/passkey/verify`, { credential });
  };
}
