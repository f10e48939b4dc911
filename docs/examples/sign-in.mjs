import { createHash, randomBytes } from "node:crypto";
import { TOTP } from "otpauth";
import { newKey, proofOf, saveSession } from "./session.mjs";

// Usage: node sign-in.mjs ORIGIN LOGIN PASSWORD TOTP-SEED
// Signs in as the demo's people can. An app sends its user's browser to /oauth/authorize instead,
// and gets the code back at its redirect address; from there on it is the same.
const [origin, login, password, seed] = process.argv.slice(2);
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

const client = { client_id: "phylax-portal", redirect_uri: `${origin}/callback` };
const verifier = randomBytes(32).toString("base64url");
const query = new URLSearchParams({
  ...client,
  response_type: "code",
  scope: "openid fhirUser user/*.cruds",
  resource: `${origin}/fhir`,
  code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  code_challenge_method: "S256",
  state: randomBytes(8).toString("hex"),
});

const begun = await ask(`/oauth/authorize?${query}`);
const { pathname } = new URL(begun.headers.get("location"), origin);
await step(`${pathname}/password`, { login, password });
const { redirectTo } = await step(`${pathname}/totp`, {
  code: new TOTP({ secret: seed }).generate(),
});
const back = await ask(redirectTo);
const code = new URL(back.headers.get("location"), origin).searchParams.get("code");

const key = await newKey();
const tokens = await ask("/oauth/token", {
  method: "POST",
  headers: { dpop: await proofOf(key, "POST", `${origin}/oauth/token`) },
  body: new URLSearchParams({
    ...client,
    grant_type: "authorization_code",
    code,
    code_verifier: verifier,
    resource: `${origin}/fhir`,
  }),
});
const { access_token: token } = await tokens.json();
await saveSession({ ...key, token });
console.log("Signed in for five minutes; the session is in fhir-session.json.");
