import { randomBytes, randomUUID } from "node:crypto";

/** What a browser is given to make a passkey, with nothing behind it. */
export const newPasskeyOptions = (displayName: string, account = randomUUID() as string) => ({
  challenge: randomBytes(32).toString("base64url"),
  rp: { id: "localhost", name: "Phylax" },
  user: {
    id: Buffer.from(account.replaceAll("-", ""), "hex").toString("base64url"),
    name: displayName,
    displayName,
  },
  pubKeyCredParams: [{ type: "public-key", alg: -7 }],
  authenticatorSelection: { residentKey: "required", userVerification: "required" },
  timeout: 60_000,
});
