import { readFile, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { headersFor, newKey, proofOf } from "./session.mjs";

// Usage: node service.mjs make-keys
//        node service.mjs find ORIGIN REGISTRATION 'TYPE?QUERY'
// A service without a person (SMART Backend Services). It proves who it is by a key of its own, whose
// public half the operator registers, and binds each token to a second key (DPoP).
const keyFile = "service-key.json";
const keyId = "service-1";

async function makeKeys() {
  const { privateKey, publicKey } = await generateKeyPair("ES384", { extractable: true });
  await writeFile(keyFile, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
  const known = { ...(await exportJWK(publicKey)), kid: keyId, alg: "ES384", use: "sig" };
  await writeFile("service-jwks.json", JSON.stringify({ keys: [known] }));
  console.log("Register service-jwks.json; service-key.json is for the service alone.");
}

/** Good for one request of a token, and for no longer than a minute. */
async function assertion(clientId, audience) {
  const key = await importJWK(JSON.parse(await readFile(keyFile, "utf8")), "ES384");
  return new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID() })
    .setProtectedHeader({ alg: "ES384", kid: keyId, typ: "JWT" })
    .setIssuedAt()
    .setExpirationTime("1 minute")
    .sign(key);
}

async function answerOf(url, options) {
  const answer = await fetch(url, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${JSON.stringify(body)}`);
  return body;
}

async function find(origin, registration, query) {
  const [type] = query.split("?");
  const { id: clientId } = JSON.parse(await readFile(registration, "utf8"));
  const { token_endpoint: tokenEndpoint } = await answerOf(
    `${origin}/fhir/.well-known/smart-configuration`,
  );
  const key = await newKey();
  const { access_token: token } = await answerOf(tokenEndpoint, {
    method: "POST",
    headers: { dpop: await proofOf(key, "POST", tokenEndpoint) },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      scope: `system/${type}.rs`,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await assertion(clientId, tokenEndpoint),
    }),
  });
  const url = `${origin}/fhir/${query}`;
  const headers = await headersFor({ ...key, token }, "GET", url);
  const { entry = [] } = await answerOf(url, { headers });
  for (const { resource } of entry) console.log(`${resource.resourceType}/${resource.id}`);
}

const [what, ...rest] = process.argv.slice(2);
if (what === "make-keys") await makeKeys();
else if (what === "find" && rest.length === 3) await find(...rest);
else throw new Error("Usage: node service.mjs make-keys | find ORIGIN REGISTRATION 'TYPE?QUERY'");
