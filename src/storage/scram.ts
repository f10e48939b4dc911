import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

/** PostgreSQL's own default, and the least that RFC 7677 allows. */
const iterations = 4096;

/**
 * What PostgreSQL stores of a password (RFC 5802 §3: salt, StoredKey, ServerKey), so that the
 * password itself need never be sent to the server. `password` must be printable ASCII, for
 * which SASLprep changes nothing; `salt` 16 random bytes.
 */
export function scramVerifier(password: string, salt: Buffer): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const mac = (text: string): Buffer => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(mac("Client Key")).digest("base64");
  const serverKey = mac("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
