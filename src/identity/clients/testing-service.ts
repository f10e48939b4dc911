import { generateKeyPairSync, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { createProofKey, readJson, type ProofKey } from "#identity/testing-app.ts";
import { origin, type TestIdentity } from "#identity/testing.ts";

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Claims and header fields of an assertion to set; undefined leaves one out. */
export interface AssertionChange {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A registered backend service with its keys. */
export interface TestService {
  readonly id: string;
  readonly key: ProofKey;
  assertion(change?: AssertionChange): Promise<string>;
  /** Asks the token endpoint; the assertion and the proof are fresh unless given. */
  ask(change?: Readonly<Record<string, string>>, proof?: string): Promise<Response>;
}

export const serviceKeys = () => generateKeyPairSync("ec", { namedCurve: "P-384" });

export const serviceWish = {
  kind: "backend",
  name: "Night report",
  scopes: ["system/Observation.rs", "system/Patient.r"],
} as const;

export async function registerService(
  identity: TestIdentity,
  change: Readonly<Record<string, unknown>> = {},
  { privateKey, publicKey } = serviceKeys(),
): Promise<TestService> {
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES384" }] };
  const wish = { ...serviceWish, ...("jwksUri" in change ? {} : { jwks }), ...change };
  const made = await readJson(await identity.operate("/internal/apps", wish));
  const { id } = made;
  if (typeof id !== "string") throw new Error(JSON.stringify(made));
  const key = createProofKey();
  const assertion: TestService["assertion"] = ({ claims = {}, header = {} } = {}) => {
    const seconds = Math.floor(Date.now() / 1_000);
    const known = {
      iss: id,
      sub: id,
      aud: `${origin}/oauth/token`,
      exp: seconds + 60,
      iat: seconds,
      jti: randomUUID(),
    };
    return new SignJWT({ ...known, ...claims })
      .setProtectedHeader({ alg: "ES384", kid: "one", typ: "JWT", ...header })
      .sign(privateKey);
  };
  return {
    id,
    key,
    assertion,
    ask: async (change = {}, proof = key.proof("POST", "/oauth/token")) =>
      identity.send("/oauth/token", {
        method: "POST",
        headers: proof === "" ? {} : { dpop: proof },
        body: new URLSearchParams({
          grant_type: "client_credentials",
          scope: "system/Observation.rs",
          client_assertion_type: assertionType,
          client_assertion: change["client_assertion"] ?? (await assertion()),
          ...change,
        }),
      }),
  };
}
