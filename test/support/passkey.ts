import assert from "node:assert/strict";
import {
  createAuthenticator,
  type Authenticator,
} from "#identity/passkeys/testing-authenticator.ts";
import {
  askForToken,
  codeGrant,
  makeProofKey,
  openSignIn,
  signedInWith,
  type SignedIn,
  type Visitor,
} from "./client.ts";

const json = { "content-type": "application/json" };

async function post(
  visitor: Visitor,
  path: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const answer = await visitor.ask("POST", path, { headers: json, body: JSON.stringify(body) });
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text) as Record<string, unknown>;
}

/** Makes a passkey by a one-time link. */
export async function enrolPasskey(visitor: Visitor, link: string): Promise<Authenticator> {
  const token = /token=(\S+)$/.exec(link)?.[1] ?? "";
  const { origin } = visitor;
  const offer = await post(visitor, "/api/identity/enrol/begin", { token });
  const authenticator = createAuthenticator();
  const credential = authenticator.create(offer["options"], { origin });
  const body = { token, passkeyName: "Test", credential };
  await post(visitor, "/api/identity/enrol/finish", body);
  return authenticator;
}

/** Signs in with the passkey on a device that was never seen before: its key is new. */
export async function signInByPasskey(
  visitor: Visitor,
  authenticator: Authenticator,
): Promise<SignedIn> {
  const { origin } = visitor;
  const { path, verifier } = await openSignIn(visitor);
  const options = await post(visitor, `${path}/passkey/options`, {});
  const credential = authenticator.get(options, { origin });
  const step = await post(visitor, `${path}/passkey/verify`, { credential });
  const back = await visitor.ask("GET", String(step["redirectTo"]));
  const code = new URL(String(back.headers["location"]), origin).searchParams.get("code") ?? "";
  const key = makeProofKey();
  const answer = await askForToken(visitor, key, codeGrant(origin, code, verifier));
  assert.equal(answer.status, 200, answer.text);
  return signedInWith(visitor, JSON.parse(answer.text) as Record<string, unknown>, key);
}

/** The id under which the device of this token stands in the log. */
export function deviceOf({ token }: Pick<SignedIn, "token">): string {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  return String((JSON.parse(payload) as { device?: unknown }).device);
}
