import { randomBytes } from "node:crypto";

/** What a browser is given to make a passkey, with nothing behind it. */
export const newPasskeyOptions = (displayName: string) => ({
  challenge: randomBytes(32).toString("base64url"),
  rp: { id: "localhost", name: "Phylax" },
  user: { id: randomBytes(16).toString("base64url"), name: displayName, displayName },
  pubKeyCredParams: [{ type: "public-key", alg: -7 }],
  authenticatorSelection: { residentKey: "required", userVerification: "required" },
  timeout: 60_000,
});
