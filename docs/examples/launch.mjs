import { readFile } from "node:fs/promises";
import { createHash, randomBytes } from "node:crypto";
import { TOTP } from "otpauth";
import { newKey, proofOf, saveSession } from "./session.mjs";

// Usage: node launch.mjs ORIGIN REGISTRATION LOGIN PASSWORD TOTP-SEED
// An app for a patient, from launch to token. What happens between `asked` and `code` happens in her
// browser, where she signs in and lets the app in; here the script does it in her place.
const [origin, registration, login, password, seed] = process.argv.slice(2);
const {
  id: clientId,
  redirectUris: [redirectUri],
} = JSON.parse(await readFile(registration, "utf8"));
const cookies = new Map();

async function ask(path, options = {}) {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const headers = { origin, cookie, ...options.headers };
  const answer = await fetch(new URL(path, origin), { redirect: "manual", ...options, headers });
  for (const line of answer.headers.getSetCookie()) {
    const [pair] = line.split(";");
    cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
  }
  if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function step(path, body) {
  const headers = { "content-type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

/** Where an answer leads: a page of the portal, or back to the app. */
const placeOf = (answer) => new URL(answer.headers.get("location"), origin);

// What every app does: find the addresses, and ask with PKCE for no more than it needs.
const smart = await (await ask("/fhir/.well-known/smart-configuration")).json();
const verifier = randomBytes(32).toString("base64url");
const asked = new URLSearchParams({
  client_id: clientId,
  redirect_uri: redirectUri,
  response_type: "code",
  scope: "openid fhirUser launch/patient patient/Patient.r patient/Observation.rs",
  aud: `${origin}/fhir`,
  code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  code_challenge_method: "S256",
  state: randomBytes(8).toString("hex"),
});

// What the person does: sign in, read what is asked, choose whose record, and allow it.
const signInPage = placeOf(await ask(`${smart.authorization_endpoint}?${asked}`)).pathname;
await step(`${signInPage}/password`, { login, password });
const code = new TOTP({ secret: seed }).generate();
const signedIn = await step(`${signInPage}/totp`, { code });
const consentPage = placeOf(await ask(signedIn.redirectTo)).pathname;
const offer = await (await ask(`${consentPage}/offer`)).json();
for (const { words } of offer.scopes) console.log(`${offer.app.name} asks: ${words}`);
const allowed = await step(`${consentPage}/answer`, {
  allow: true,
  scopes: offer.scopes.map(({ scope }) => scope),
  patient: offer.patient.patients[0].id,
});

// Back in the app: whoever sent the answer must be the one that was asked (RFC 9207).
const back = placeOf(await ask(allowed.redirectTo)).searchParams;
if (back.get("state") !== asked.get("state") || back.get("iss") !== smart.issuer)
  throw new Error("this answer is to another question");
const key = await newKey();
const tokens = await (
  await ask(smart.token_endpoint, {
    method: "POST",
    headers: {
      origin: new URL(redirectUri).origin,
      dpop: await proofOf(key, "POST", smart.token_endpoint),
    },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: clientId,
      redirect_uri: redirectUri,
      code: back.get("code"),
      code_verifier: verifier,
    }),
  })
).json();
await saveSession({ ...key, token: tokens.access_token, patient: tokens.patient });
console.log(`The app may read Patient/${tokens.patient} for ${tokens.expires_in} seconds.`);
