import assert from "node:assert/strict";
import { readJson } from "#identity/testing-app.ts";
import { signedInPerson, type SignedInPerson } from "#identity/testing-signed-in.ts";
import { postJson } from "#identity/testing-passkeys.ts";
import type { TestIdentity } from "#identity/testing.ts";

export const chief = { displayName: "Chief Admin", roles: ["administrator"] };

export const administrator = (identity: TestIdentity): Promise<SignedInPerson> =>
  signedInPerson(identity, chief);

/** Types a code on paper, as anybody may. */
export const redeem = (identity: TestIdentity, code: unknown, birthDate?: unknown) =>
  postJson(identity, "/api/identity/invitation/redeem", { code, birthDate });

/** The answer's body, which must be of status 200. */
export async function done(
  answer: Response | Promise<Response>,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await answer;
  const body = await readJson(response);
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}

export const tokenOf = (enrolPath: unknown): string =>
  String(enrolPath).slice("/enrol#token=".length);
