import { readFile, writeFile } from "node:fs/promises";
import { createHash, randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";

// A session is an access token and the key it is bound to (DPoP, RFC 9449). Whoever holds the file
// holds the session, so nobody else may read it; a browser keeps its key where no script can copy it.
const file = "fhir-session.json";

/** A fresh key pair, as two JWKs. */
export async function newKey() {
  const pair = await generateKeyPair("ES256", { extractable: true });
  return {
    privateJwk: await exportJWK(pair.privateKey),
    publicJwk: await exportJWK(pair.publicKey),
  };
}

/** A proof of the key for one request: made anew each time, as each is good once. */
export async function proofOf({ privateJwk, publicJwk, token }, method, url) {
  const claims = { jti: randomUUID(), htm: method, htu: url.split("?")[0] };
  if (token !== undefined) claims.ath = createHash("sha256").update(token).digest("base64url");
  return new SignJWT(claims)
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: publicJwk })
    .setIssuedAt()
    .sign(await importJWK(privateJwk, "ES256"));
}

/** The two headers that authorise one request. */
export async function headersFor(session, method, url) {
  return {
    authorization: `DPoP ${session.token}`,
    dpop: await proofOf(session, method, url),
  };
}

export const saveSession = (session) => writeFile(file, JSON.stringify(session), { mode: 0o600 });

export async function openSession() {
  return JSON.parse(await readFile(file, "utf8"));
}
