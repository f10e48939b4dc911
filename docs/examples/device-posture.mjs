import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What a manager says of one device, signed with its Ed25519 key: a compact JWS. */
export function postureStatement({ origin, manager, key, device, healthy, lastsSeconds = 3600 }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = part({ typ: "device-posture+jwt", alg: "EdDSA" });
  // With milliseconds: each statement must be newer than the one before.
  const iat = Date.now() / 1000;
  const claims = part({ iss: manager, aud: origin, iat, sub: device, healthy, lastsSeconds });
  const signature = sign(null, Buffer.from(`${header}.${claims}`), key).toString("base64url");
  return `${header}.${claims}.${signature}`;
}

// Usage: node device-posture.mjs ORIGIN MANAGER KEY.pem DEVICE healthy|unhealthy
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [origin, manager, keyFile, device, word] = process.argv.slice(2);
  const key = createPrivateKey(readFileSync(keyFile));
  const said = { origin, manager, key, device, healthy: word === "healthy" };
  const response = await fetch(`${origin}/api/identity/device-posture`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ statement: postureStatement(said) }),
  });
  console.log(response.status, await response.text());
  if (!response.ok) process.exitCode = 1;
}
